/** Where Node keeps compiled code between starts. Stripping the types of our source is most of what a start costs. */
import { join } from 'node:path';

/** For the environment of a program that is started again and again. */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/runnerwatch-tests'),
} as const;
