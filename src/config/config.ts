/** The configuration as the parts of the node take it. */
import type { PoolConfig } from '../pool/config.js';
import type { ConfigSections, PoolSection } from './schema.js';

/** Sections, with the pool's prices where the pool expects them. */
export type NodeConfig = Omit<ConfigSections, 'pool' | 'gasPrice' | 'effectiveGasPrice'> & {
  readonly pool: PoolConfig;
  readonly l1RpcUrl: string | null;
};

/** Puts the written sections together for the parts. */
export function composeConfig(sections: ConfigSections): NodeConfig {
  const { pool, gasPrice, effectiveGasPrice, ...rest } = sections;
  const { l1RpcUrl, ...price } = gasPrice;
  return { ...rest, l1RpcUrl, pool: { ...(pool satisfies PoolSection), gasPrice: price, effectiveGasPrice: effective(effectiveGasPrice) } };
}

function effective(section: ConfigSections['effectiveGasPrice']): PoolConfig['effectiveGasPrice'] {
  const { transferPercentage, erc20TransferPercentage, contractCallPercentage, deploymentPercentage, ...rest } = section;
  return {
    ...rest,
    categoryPercentage: {
      transfer: transferPercentage,
      erc20Transfer: erc20TransferPercentage,
      contractCall: contractCallPercentage,
      deployment: deploymentPercentage,
    },
  };
}
