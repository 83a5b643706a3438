// Every service of the project, in the order in which their databases are migrated. This list is the only one: local
// start, `gravity migrate`, secrets, tests, and the checks of docker-compose.yml, k8s/ and the docs read it.
import type { ServiceDeclaration } from '@gravity/service';
import { catalogService } from './catalog/src/catalog.service';
import { ordersService } from './orders/src/orders.service';
import { paymentsSandboxService } from './payments-sandbox/src/payments-sandbox.service';

export const SERVICES: readonly ServiceDeclaration[] = [catalogService, ordersService, paymentsSandboxService];
