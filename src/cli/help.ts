/** The text of --help, from the schema. */
import { type ConfigSections, FLAG_ALIASES, NAMED_SETTINGS, type NamedSetting, SECTION_TITLES } from '../config/schema.js';

const HEAD = `Usage: zkevm-sequencer [start] [options]
       zkevm-sequencer replay FILE     make the batches of a recording again (--record FILE); replay --help
       zkevm-sequencer db COMMAND      check, measure, compact, prune, copy or bring back a database: db --help
       zkevm-sequencer witness BATCH   write a closed batch as input of the executor; witness --help
       zkevm-sequencer config docs     print docs/config.md
       zkevm-sequencer errors docs     print docs/errors.md

Without options: a development chain with ten funded accounts on http://127.0.0.1:8545, state under ./data.

Options:
  -h, --help                     this text
  -V, --version                  the version
  --config FILE                  settings as JSON: {"rpc": {"port": 8545}}; docs/config.md has all of them
`;

const NAME_COLUMN = 45;

/** The whole text. */
export function helpText(): string {
  const sections = (Object.keys(SECTION_TITLES) as (keyof ConfigSections)[]).map((section) => {
    const lines = NAMED_SETTINGS.filter((named) => named.section === section).map(line);
    return `${SECTION_TITLES[section]}:\n${lines.join('\n')}`;
  });
  const aliases = Object.entries(FLAG_ALIASES).map(([alias, flag]) => `  --${alias} is --${flag}.`);
  return `${HEAD}\n${sections.join('\n\n')}\n\nOther names:\n${aliases.join('\n')}\n`;
}

function line({ flag, setting }: NamedSetting): string {
  const value = setting.kind === 'boolean' ? '' : ` ${setting.kind.split(' ')[0]?.toUpperCase() ?? ''}`;
  return `  ${`--${flag}${value}`.padEnd(NAME_COLUMN)} ${setting.doc} [${setting.defaultText()}]`;
}
