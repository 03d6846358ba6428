// Chat memories in directories of their own, and a look into all files of one; imported by the tests of the chat memory.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChatMemory, type OpenMemoryOptions, openChatMemory } from '#dist/index.js';
import { type MockEmbedder, mockEmbedder } from '#dist/testing/index.js';
import { temporaryDirectory } from '../disk/support.js';

export const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** Options of a memory with the mock embedder, in a directory of its own unless one is named. */
export function optionsOf(
  changes: Partial<OpenMemoryOptions> = {},
  directory = temporaryDirectory(),
  embedder: MockEmbedder = mockEmbedder(),
): OpenMemoryOptions {
  return { session: 's', file: null, env: {}, cache: { directory }, embedder, ...changes };
}

export function openMemory(
  changes: Partial<OpenMemoryOptions> = {},
  directory?: string,
): Promise<ChatMemory> {
  return openChatMemory(optionsOf(changes, directory));
}

/** Names of the files below a directory that hold the bytes. */
export function filesWith(directory: string, bytes: Buffer | string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => readFileSync(path).includes(bytes));
}

/** The bytes of a vector as they lie in a file. */
export function bytesOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** A call of a tool as OpenAI has it. */
export function callOf(id: string, name = 'look_up', args = '{"place":"Porto"}') {
  return { id, type: 'function', function: { name, arguments: args } } as const;
}
