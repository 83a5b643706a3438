export {
  AttributesField,
  CodeField,
  CountField,
  EnumField,
  Field,
  FlagField,
  IdField,
  IntegerField,
  ListField,
  ObjectField,
  RegionField,
  schemaOf,
  TextField,
  TextViewField,
  TimeField,
} from './fields';
export type { FieldOptions } from './fields';
export { idOf, IdParam, instantOf, PathParam, uuidOf } from './ids';
export {
  MoneyBody,
  MoneyField,
  moneyOf,
  MoneyView,
  MoneyViewField,
  PositiveMoneyBody,
  PositiveTotalBody,
  TotalBody,
  TotalField,
} from './money';
export { found, mayChange, maySee, notFound, ownMerchant, ownObjects, seesAllOf, visibilityOf } from './ownership';
export type { Visibility } from './ownership';
export { PageOf, startOfPage } from './page';
export * as values from './value';
export type { Value } from './value';
