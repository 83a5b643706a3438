export {
  AttributesField,
  CodeField,
  EnumField,
  Field,
  FlagField,
  IdField,
  IntegerField,
  ListField,
  ObjectField,
  RegionField,
  TextField,
  TimeField,
} from './fields';
export type { FieldOptions } from './fields';
export { IdParam, uuidOf } from './ids';
export { AMOUNT_MAX, MoneyBody, MoneyField, moneyOf, MoneyView, MoneyViewField, PositiveMoneyBody } from './money';
export { found, mayChange, notFound, ownMerchant, seesAllOf, visibilityOf } from './ownership';
export type { Visibility } from './ownership';
export { PageOf, startOfPage } from './page';
export * as values from './value';
export type { Value } from './value';
