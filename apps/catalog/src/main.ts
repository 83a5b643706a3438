// Boots the catalogue alone. `main.js migrate` brings its database up to date instead, and ends.
import 'reflect-metadata';
import { runService } from '@gravity/service';
import { catalogService } from './catalog.service';

runService(catalogService);
