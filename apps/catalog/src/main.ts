// Starts the catalogue alone. `main.js migrate` migrates its database instead, and ends.
import 'reflect-metadata';
import { runService } from '@gravity/service';
import { catalogService } from './catalog.service';

runService(catalogService);
