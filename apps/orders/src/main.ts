// Boots the orders service alone. `main.js migrate` brings its database up to date instead, and ends.
import 'reflect-metadata';
import { runService } from '@gravity/service';
import { ordersService } from './orders.service';

runService(ordersService);
