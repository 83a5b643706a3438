// Every migration of the catalogue's database, oldest first.
import { CreateOutbox1795305600000 } from './1795305600000-create-outbox';
import { CreateCatalogue1795305600001 } from './1795305600001-create-catalogue';
import { GrowWriteTables1795910400000 } from './1795910400000-grow-write-tables';
import { KeySkuCodes1795910400001 } from './1795910400001-key-sku-codes';
import { DateSearchTerms1795910400002 } from './1795910400002-date-search-terms';

export const CATALOG_MIGRATIONS = [
  CreateOutbox1795305600000,
  CreateCatalogue1795305600001,
  GrowWriteTables1795910400000,
  KeySkuCodes1795910400001,
  DateSearchTerms1795910400002,
];
