// The examples of docs/adapters/ run as they stand, but for the place of the directory, where they print to, and the models that they are given.
import { MockEmbeddingModelV3, MockLanguageModelV3 } from 'ai/test';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filesIn, read } from '../arch/sources.ts';
import { temporaryDirectory } from '../disk/support.js';
import { startServer } from './openai/server.js';

const test = suite('examples of the adapters');
const places: Readonly<Record<string, string>> = {
  'llm-tiered-cache': '#dist/index.js',
  'llm-tiered-cache/ai-sdk': '#dist/adapters/ai-sdk.js',
  'llm-tiered-cache/keyv': '#dist/adapters/keyv.js',
  'llm-tiered-cache/langchain': '#dist/adapters/langchain/index.js',
  'llm-tiered-cache/openai': '#dist/adapters/openai/index.js',
};
/** What each example of a page prints. */
const printed: Readonly<Record<string, readonly (readonly unknown[])[][]>> = {
  'ai-sdk': [[['Harald.', 'exact']], [[{ hits: 2, texts: 2 }]]],
  keyv: [[[{ any: 'value' }]]],
  langchain: [[['Harald']], [['Boil an egg for eight minutes.']]],
  openai: [[['answer to Who founded Oslo?', 'hit']]],
  plain: [[['an answer to How do I boil an egg?'], ['Gabrielsson and Larson']], [[3, 0]]],
};
const pages = filesIn('docs/adapters', /\.md$/).map((path) => ({
  page: path.replace(/^.*\/|\.md$/g, ''),
  examples: [...read(path).matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] as string),
}));
const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
const given = {
  yourModel: new MockLanguageModelV3({
    doGenerate: async () => ({
      content: [{ type: 'text', text: 'Harald.' }],
      finishReason: { unified: 'stop', raw: 'stop' },
      usage,
      warnings: [],
    }),
  }),
  yourEmbeddingModel: new MockEmbeddingModelV3({
    maxEmbeddingsPerCall: 10,
    doEmbed: async ({ values }) => ({ embeddings: values.map(() => [0.5]), warnings: [] }),
  }),
};
let server: Awaited<ReturnType<typeof startServer>>;

test.before(async () => {
  server = await startServer();
  // What they find, they find by the same words.
  process.env.USE_MOCK_EMBEDDER = 'true';
  // Where its client looks for them.
  process.env.OPENAI_BASE_URL = server.baseURL;
  process.env.OPENAI_API_KEY = 'k';
});
test.after(async () => void (await server.close()));

for (const { page, examples } of pages) {
  for (const [at, code] of examples.entries()) {
    test(`${page} ${at + 1}`, async () => {
      const imports: [string, string][] = [];
      const body = code.replace(/^import (.*) from '(.*)';$/gm, (_, names, place) => {
        imports.push([names, place]);
        return '';
      });
      const modules = await Promise.all(imports.map(([, place]) => import(places[place] ?? place)));
      const said: unknown[] = [];
      const declared = imports.map(([names], index) => {
        const wanted = names.startsWith('{') ? names.replaceAll(' as ', ': ') : `{ default: ${names} }`;
        return `const ${wanted} = modules[${index}];`;
      });
      const source = `return (async () => { ${declared.join('\n')}\n${body} })();`;
      const run = new Function('modules', 'directory', 'print', ...Object.keys(given), source);
      const print = (...values: unknown[]) => said.push(values);
      await run(modules, temporaryDirectory(), print, ...Object.values(given));
      assert.equal(said, printed[page]?.[at]);
    });
  }
}

test('each page has one, and each adapter a page', () => {
  const withOne = pages.filter(({ examples }) => examples.length > 0).map(({ page }) => page);
  assert.equal(withOne.sort(), Object.keys(printed).sort());
  const index = read('docs/adapters/README.md');
  for (const page of withOne) assert.ok(index.includes(`(${page}.md)`), page);
  for (const [page, lists] of Object.entries(printed))
    assert.is(pages.find((one) => one.page === page)?.examples.length, lists.length);
});

test.run();
