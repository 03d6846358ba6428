// The thread that sends requests at their times and takes the time of their answers; plain JavaScript, because a thread is started without a
// loader. Started by open-loop.ts, imported by nobody.
import { parentPort } from 'node:worker_threads';

let timesMs;
let latenciesUs;
let started;
let sent = 0;
let answered = 0;

function send() {
  const now = performance.now() - started;
  while (sent < timesMs.length && timesMs[sent] <= now) parentPort.postMessage(sent++);
  if (sent < timesMs.length) setTimeout(send, 1);
}

parentPort.on('message', (message) => {
  if (message instanceof Float64Array) {
    timesMs = message;
    latenciesUs = new Float64Array(timesMs.length);
    started = performance.now();
    send();
    return;
  }
  const { index, failed } = message;
  latenciesUs[index] = failed ? Number.NaN : (performance.now() - started - timesMs[index]) * 1e3;
  if (++answered < timesMs.length) return;
  parentPort.postMessage(latenciesUs);
  parentPort.close();
});
