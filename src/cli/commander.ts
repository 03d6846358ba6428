// The only importer of commander; for the files that define verbs.
export { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
