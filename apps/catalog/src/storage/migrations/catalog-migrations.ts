// Every migration of the catalogue's database, oldest first.
import { CreateOutbox1795305600000 } from './1795305600000-create-outbox';
import { CreateCatalogue1795305600001 } from './1795305600001-create-catalogue';

export const CATALOG_MIGRATIONS = [CreateOutbox1795305600000, CreateCatalogue1795305600001];
