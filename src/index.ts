/** The node as a library: configuration, the node itself, and what they need. */

export { type Clock, systemClock } from './common/clock.js';
export { ERROR_CATALOGUE, type ErrorCode } from './common/error-catalogue.js';
export { CodedError, errorCode, hasCode } from './common/errors.js';
export { createLogger, type Logger, type LoggerOptions, silentLogger } from './common/logger.js';
export { composeConfig, type NodeConfig } from './config/config.js';
export { DEV_MNEMONIC, type DevAccount, devAccounts } from './config/dev-chain.js';
export { type ConfigSources, loadConfig } from './config/load.js';
export type { ConfigSections } from './config/schema.js';
export { type NodeModules, SequencerNode } from './node.js';
export * from './proof/index.js';
export { CLIENT_VERSION, VERSION } from './version.js';
