/** Units of value for messages; arithmetic always stays in wei. */

const WEI_PER_ETHER = 10n ** 18n;

/** Decimal ether text of a wei amount, without trailing zeros: `1.5`, `0.000000000000000001`, `0`. */
export function formatEther(wei: bigint): string {
  const whole = wei / WEI_PER_ETHER;
  const fraction = (wei % WEI_PER_ETHER).toString().padStart(18, '0').replace(/0+$/, '');
  return fraction.length === 0 ? `${whole}` : `${whole}.${fraction}`;
}
