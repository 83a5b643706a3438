// Renames parked_messages to dead_letters. Processes of the earlier release run beside new ones during a roll-out and after a
// roll-back, so a view keeps the old names. Postgres passes inserts, updates, ON CONFLICT and row locks through such a view
// to the table. The release after this one drops the view.

/** Table, column, index and constraints get the names that `deadLettersDdl()` gives them. One transaction. */
export const deadLetters: readonly string[] = [
  'alter table parked_messages rename to dead_letters',
  'alter table dead_letters rename column parked_at to created_at',
  'alter index parked_messages_waiting rename to dead_letters_waiting',
  'alter table dead_letters rename constraint parked_messages_pkey to dead_letters_pkey',
  'alter table dead_letters rename constraint parked_messages_consumer_event_id_key to dead_letters_consumer_event_id_key',
  'alter table dead_letters rename constraint parked_messages_status_check to dead_letters_status_check',
  'alter sequence parked_messages_id_seq rename to dead_letters_id_seq',
  `create view parked_messages as
     select id, consumer, event_id, topic, partition, "offset", key, type, payload, headers, reason, attempts, status,
       created_at as parked_at, updated_at
     from dead_letters`,
];

/** The way back. */
export const parkedMessagesAgain: readonly string[] = [
  'drop view parked_messages',
  'alter sequence dead_letters_id_seq rename to parked_messages_id_seq',
  'alter table dead_letters rename constraint dead_letters_status_check to parked_messages_status_check',
  'alter table dead_letters rename constraint dead_letters_consumer_event_id_key to parked_messages_consumer_event_id_key',
  'alter table dead_letters rename constraint dead_letters_pkey to parked_messages_pkey',
  'alter index dead_letters_waiting rename to parked_messages_waiting',
  'alter table dead_letters rename column created_at to parked_at',
  'alter table dead_letters rename to parked_messages',
];
