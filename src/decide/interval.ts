// The interval of a share that was counted. decide/, learning/, the benches and tests import it.

/**
 * Exact (Clopper–Pearson) interval of a probability of which `hits` of `trials` were seen: each end is missed with at most
 * `(1 - confidence) / 2`. Ends in [0, 1]; [0, 1] without trials.
 * Source: Clopper & Pearson, Biometrika 26 (1934), 404–413.
 */
export function clopperPearson(hits: number, trials: number, confidence = 0.95): [number, number] {
  const tail = (1 - confidence) / 2;
  const low = hits === 0 ? 0 : solve((p) => 1 - atMost(hits - 1, trials, p) - tail);
  const high = hits === trials ? 1 : solve((p) => tail - atMost(hits, trials, p));
  return [low, high];
}

/**
 * Whether the upper end of that interval is at most `rate`, for one sum in the place of sixty: the interval reaches `rate` exactly
 * where seeing so few hits has the probability of a tail. False without trials, and for a rate of 0.
 */
export function staysUnder(hits: number, trials: number, rate: number, confidence = 0.95): boolean {
  if (trials === 0 || hits >= trials * rate) return trials > 0 && rate >= 1;
  return atMost(hits, trials, rate) <= (1 - confidence) / 2;
}

/** Whether the lower end of that interval is above `rate`; the same way. False without trials. */
export function exceeds(hits: number, trials: number, rate: number, confidence = 0.95): boolean {
  if (hits <= trials * rate) return false;
  return rate <= 0 || 1 - atMost(hits - 1, trials, rate) < (1 - confidence) / 2;
}

/** P(X <= hits) of a binomial X, summed in logarithms so that nothing underflows. */
function atMost(hits: number, trials: number, p: number): number {
  const odds = Math.log(p) - Math.log1p(-p);
  let term = trials * Math.log1p(-p);
  let sum = Math.exp(term);
  for (let i = 1; i <= hits; i++) {
    term += Math.log((trials - i + 1) / i) + odds;
    sum += Math.exp(term);
  }
  return sum;
}

/** Where a rising function of (0, 1) crosses zero; 60 halvings reach the precision of a double. */
function solve(rising: (p: number) => number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (rising(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
