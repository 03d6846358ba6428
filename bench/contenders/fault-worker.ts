// One of several processes over one Redis: does what fault-processes.ts tells it. Started by that, imported by nobody.
import { openCache } from '#dist/open.js';
import { mockEmbedder } from '#dist/testing/index.js';

/** What a worker is told; it answers each with a number. */
export type Order =
  | {
      readonly do: 'open';
      readonly port: number;
      readonly directory: string;
      readonly lease: boolean;
      readonly maxStaleMs?: number;
    }
  /** So many calls of one question at once: the number of runs of the origin. */
  | { readonly do: 'stampede'; readonly question: string; readonly calls: number }
  /** Asks questions that carry a tag of their own each: the number that was generated. */
  | { readonly do: 'ask'; readonly questions: readonly string[] }
  /** Looks up without generating: the number found. */
  | { readonly do: 'find'; readonly questions: readonly string[] }
  /** Removes by tag: 0 when all processes can see it. */
  | { readonly do: 'invalidate'; readonly tags: readonly string[] }
  | { readonly do: 'close' };

let cache: Awaited<ReturnType<typeof openCache>> | undefined;

async function obey(order: Order): Promise<number> {
  if (order.do === 'open') {
    const { port, directory, lease, maxStaleMs } = order;
    cache = await openCache({
      embedder: mockEmbedder(),
      file: null,
      env: {},
      redis: {
        enabled: true,
        host: '127.0.0.1',
        port,
        lease,
        ...(maxStaleMs === undefined ? {} : { maxStaleMs }),
      },
      cache: { directory, shared: true, minSimilarity: 1 },
    });
    return 0;
  }
  if (cache === undefined) throw new Error('not open');
  const open = cache;
  let generated = 0;
  const generate = async () => {
    generated++;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return 'answer';
  };
  switch (order.do) {
    case 'stampede':
      await Promise.all(Array.from({ length: order.calls }, () => open.wrap(order.question, generate)));
      return generated;
    case 'ask':
      await Promise.all(order.questions.map((text) => open.wrap(text, generate, { tags: [text] })));
      await open.idle();
      return generated;
    case 'find': {
      const found = await Promise.all(order.questions.map((text) => open.get(text)));
      return found.filter(({ match }) => match !== 'none').length;
    }
    case 'invalidate': {
      const { shared } = await open.invalidate({ tags: order.tags });
      while (!shared && open.health().ledger.queued > 0)
        await new Promise((resolve) => setTimeout(resolve, 5));
      return 0;
    }
    case 'close':
      await open.close();
      return 0;
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
