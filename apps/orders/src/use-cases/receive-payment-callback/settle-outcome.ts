export type SettleOutcome =
  | 'paid'
  | 'nothing'
  | 'duplicate'
  | 'declined'
  | 'discrepancy'
  | 'refund-requested'
  | 'refunded'
  | 'late-honoured'
  | 'late-refunded'
  | 'unmatched';
