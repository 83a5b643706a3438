// Boots the sandbox provider alone. `main.js migrate` brings its database up to date instead, and ends.
import 'reflect-metadata';
import { runService } from '@gravity/service';
import { paymentsSandboxService } from './payments-sandbox.service';

runService(paymentsSandboxService);
