// Of processes killed while they add messages no acknowledged one is lost, and none is half there. KILLS comes from the environment.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startChild, temporaryDirectory } from '../../disk/support.ts';
import { edgesIn, ground } from './support.ts';

const test = suite('graph crashes');
const kills = Number(process.env.KILLS ?? 6);

test(`${kills} kills`, async () => {
  const directory = temporaryDirectory();
  const acknowledged: string[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const name = `Project${kill}`;
    const child = startChild('memory/graph/fixtures/talk.mjs', [directory, name]);
    for (let i = 0; i < 3 + 7 * kill; i++) {
      const line = await child.line();
      assert.ok(line !== undefined, child.stderr());
      acknowledged.push(`${name}-${line}`);
    }
    child.process.kill('SIGKILL');
    for (const line of await child.rest()) acknowledged.push(`${name}-${line}`);
    assert.is(await child.ended, 'SIGKILL');

    const { environment, open } = ground(directory);
    const graph = await open();
    const { nodes } = graph.graph();
    const there = new Map(nodes.map(({ id, messageId }) => [messageId, id]));
    const mentions = edgesIn(graph, 'mentions');
    for (const id of acknowledged) {
      const node = there.get(id);
      assert.ok(node, `${id} after kill ${kill}`);
      const mentioned = mentions.filter(({ source }) => source === node).map(({ to }) => to);
      assert.ok(mentioned.includes('Dana') && mentioned.includes('deadline'), `${id} mentions ${mentioned}`);
    }
    const messages = nodes.filter(({ kind }) => kind === 'message').length;
    assert.is(edgesIn(graph, 'follows').length, messages - 1);
    await environment.close();
  }
});

test.run();
