// The examples of docs/adapters.md run as they stand, but for the place of the directory and where they print to.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { read } from '../arch/sources.ts';
import { temporaryDirectory } from '../disk/support.js';

const test = suite('examples of the adapters');
const examples = [...read('docs/adapters.md').matchAll(/^## (.*)$[\s\S]*?```js\n([\s\S]*?)```/gm)];
const places: Readonly<Record<string, string>> = {
  'llm-tiered-cache': '#dist/index.js',
  'llm-tiered-cache/keyv': '#dist/adapters/keyv.js',
  'llm-tiered-cache/langchain': '#dist/adapters/langchain/index.js',
};
const printed: Readonly<Record<string, unknown[]>> = {
  'Keyv (and so cacheable and cache-manager)': [[{ any: 'value' }]],
  LangChain: [['Boil an egg for eight minutes.']],
  'Embeddings and functions': [[3, 0], ['an answer to How do I boil an egg?']],
};

for (const [, title = '', code = ''] of examples) {
  test(title, async () => {
    const imports: [string, string][] = [];
    const body = code.replace(/^import (\{.*\}) from '(.*)';$/gm, (_, names, place) => {
      imports.push([names, place]);
      return '';
    });
    const modules = await Promise.all(imports.map(([, place]) => import(places[place] ?? place)));
    const said: unknown[] = [];
    const given = imports.map(([names], at) => `const ${names} = modules[${at}];`).join('\n');
    const source = `return (async () => { ${given}\n${body} })();`;
    const run = new Function('modules', 'directory', 'print', source);
    await run(modules, temporaryDirectory(), (...values: unknown[]) => said.push(values));
    assert.equal(said, printed[title]);
  });
}

test('there is one for each', () => assert.is(examples.length, 3));

test.run();
