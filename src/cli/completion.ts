// Completion of the command line for bash, zsh and fish, made from the tree of commands itself. For program.ts alone.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${name} is how shells write variables.

/** What is known of an option; commander's own class has all of it. */
export interface OptionLike {
  readonly long?: string | undefined;
  readonly short?: string | undefined;
  readonly description: string;
  /** It takes a value. */
  readonly required: boolean;
  readonly hidden: boolean;
  readonly argChoices?: readonly string[] | undefined;
}

/** What is known of a command; commander's own class has all of it. */
export interface CommandLike {
  name(): string;
  description(): string;
  readonly commands: readonly CommandLike[];
  readonly options: readonly OptionLike[];
  readonly registeredArguments: readonly { readonly argChoices?: readonly string[] | undefined }[];
}

/** Shells that a script is made for. */
export const shells = ['bash', 'zsh', 'fish'] as const;

/** One of them. */
export type Shell = (typeof shells)[number];

const helpOption: OptionLike = {
  long: '--help',
  short: '-h',
  description: 'print this help',
  required: false,
  hidden: false,
};

interface Verb {
  /** Words that lead here, such as `memory graph`; empty for the program itself. */
  readonly path: string;
  readonly description: string;
  readonly verbs: readonly CommandLike[];
  readonly options: readonly OptionLike[];
  readonly choices: readonly string[];
}

function verbsOf(program: CommandLike): Verb[] {
  const common = [...program.options.filter(({ hidden }) => !hidden), helpOption];
  const walk = (command: CommandLike, path: string): Verb[] => [
    {
      path,
      description: command.description(),
      verbs: command.commands,
      options: command === program ? common : [...command.options.filter(({ hidden }) => !hidden), ...common],
      choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    },
    ...command.commands.flatMap((child) =>
      walk(child, path === '' ? child.name() : `${path} ${child.name()}`),
    ),
  ];
  return walk(program, '');
}

/** A text between single quotes of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const flagsOf = ({ long, short }: OptionLike) => [short, long].filter((flag) => flag !== undefined);

/**
 * The script that teaches a shell the words of the program: commands, options, and the values of those that have a fixed choice.
 * Where a value is free, files are offered.
 */
export function completionScript(program: CommandLike, shell: Shell): string {
  return { bash, zsh, fish }[shell](program.name(), verbsOf(program));
}

/** Choices of the options, as arms of a `case` on the option before the cursor; options with a free value offer files. */
function valueArms(verbs: readonly Verb[], fixed: (choices: string) => string, free: string): string[] {
  const options = new Map<string, readonly string[] | undefined>();
  for (const option of verbs.flatMap(({ options }) => options)) {
    if (!option.required) continue;
    for (const flag of flagsOf(option)) options.set(flag, options.get(flag) ?? option.argChoices);
  }
  const chosen = [...options].flatMap(([flag, choices]) =>
    choices === undefined ? [] : [`    ${flag}) ${fixed(choices.join(' '))} ;;`],
  );
  const others = [...options].filter(([, choices]) => choices === undefined).map(([flag]) => flag);
  return [...chosen, ...(others.length === 0 ? [] : [`    ${others.join('|')}) ${free} ;;`])];
}

function wordsOf({ verbs, options, choices }: Verb): string {
  return [...verbs.map((verb) => verb.name()), ...choices, ...options.flatMap(flagsOf)].join(' ');
}

/** Finds how deep the words before the cursor lead into the tree; the same text for bash and zsh. */
function pathArms(verbs: readonly Verb[]): string[] {
  return verbs
    .filter(({ path }) => path !== '')
    .map(({ path }) => `      ${quoted(path)}) verb=${quoted(path)} ;;`);
}

function bash(name: string, verbs: readonly Verb[]): string {
  return [
    `# bash completion of ${name}: eval "$(${name} completion bash)"`,
    `_${name.replaceAll('-', '_')}() {`,
    '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" verb="" word',
    '  COMPREPLY=()',
    '  case "$before" in',
    ...valueArms(
      verbs,
      (choices) => `COMPREPLY=($(compgen -W ${quoted(choices)} -- "$current")); return`,
      'COMPREPLY=($(compgen -f -- "$current")); return',
    ),
    '  esac',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "${verb:+$verb }$word" in',
    ...pathArms(verbs),
    '    esac',
    '  done',
    '  case "$verb" in',
    ...verbs.map((verb) => `    ${quoted(verb.path)}) word=${quoted(wordsOf(verb))} ;;`),
    '  esac',
    '  COMPREPLY=($(compgen -W "$word" -- "$current"))',
    '  [[ ${#COMPREPLY[@]} -gt 0 || "$current" == -* ]] || COMPREPLY=($(compgen -f -- "$current"))',
    '}',
    `complete -o filenames -F _${name.replaceAll('-', '_')} ${name}`,
    '',
  ].join('\n');
}

function zsh(name: string, verbs: readonly Verb[]): string {
  const described = (word: string, text: string) => quoted(`${word.replaceAll(':', '\\:')}:${text}`);
  const listOf = ({ verbs: children, options, choices }: Verb) =>
    [
      ...children.map((child) => described(child.name(), child.description())),
      ...choices.map((choice) => described(choice, '')),
      ...options.flatMap((option) => flagsOf(option).map((flag) => described(flag, option.description))),
    ].join(' ');
  return [
    `#compdef ${name}`,
    `# zsh completion of ${name}: ${name} completion zsh > "\${fpath[1]}/_${name}"`,
    `_${name.replaceAll('-', '_')}() {`,
    '  local before="${words[CURRENT-1]}" verb="" word',
    '  local -a list',
    '  case "$before" in',
    ...valueArms(verbs, (choices) => `compadd -- ${choices}; return`, '_files; return'),
    '  esac',
    '  for word in "${(@)words[2,CURRENT-1]}"; do',
    '    case "${verb:+$verb }$word" in',
    ...pathArms(verbs),
    '    esac',
    '  done',
    '  case "$verb" in',
    ...verbs.map((verb) => `    ${quoted(verb.path)}) list=(${listOf(verb)}) ;;`),
    '  esac',
    `  _describe ${quoted(name)} list || _files`,
    '}',
    // From a folder of $fpath the file is the body of the function _name, and read by eval it only defines one.
    `if [[ "$funcstack[1]" == "_${name}" ]]; then _${name.replaceAll('-', '_')} "$@"; else compdef _${name.replaceAll('-', '_')} ${name}; fi`,
    '',
  ].join('\n');
}

function fish(name: string, verbs: readonly Verb[]): string {
  const escaped = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = [`# fish completion of ${name}: ${name} completion fish | source`];
  for (const { path, verbs: children, options, choices } of verbs) {
    const seen = path === '' ? [] : path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
    const none =
      children.length === 0
        ? []
        : [`not __fish_seen_subcommand_from ${children.map((child) => child.name()).join(' ')}`];
    const at = (conditions: readonly string[]) =>
      conditions.length === 0 ? '' : ` -n ${escaped(conditions.join('; and '))}`;
    for (const child of children) {
      lines.push(
        `complete -c ${name} -f${at([...seen, ...none])} -a ${child.name()} -d ${escaped(child.description())}`,
      );
    }
    for (const choice of choices) lines.push(`complete -c ${name} -f${at(seen)} -a ${choice}`);
    for (const option of options) {
      // Options of the program hold everywhere and are said once.
      if (path !== '' && (verbs[0] as Verb).options.includes(option)) continue;
      const { long, short, description, argChoices } = option;
      const value = !option.required
        ? ''
        : argChoices === undefined
          ? ' -r'
          : ` -x -a ${escaped(argChoices.join(' '))}`;
      lines.push(
        `complete -c ${name}${at(seen)}${short === undefined ? '' : ` -s ${short.slice(1)}`}${long === undefined ? '' : ` -l ${long.slice(2)}`}${value} -d ${escaped(description)}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
