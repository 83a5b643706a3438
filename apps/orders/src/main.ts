import 'reflect-metadata';
import { bootServices } from '@gravity/http';
import { ordersService } from './orders.service-definition';

void bootServices([ordersService(process.env)], { env: process.env });
