/** fast-check with a seed that is always the same; ZKEVM_SEED chooses another. A property that fails prints the one it had. */
import fc from 'fast-check';
import { seedOr } from './seeded.js';

const USUAL_SEED = 1;

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: seedOr(USUAL_SEED) });

export default fc;
