// Maps that are mostly empty: nothing is allocated before the first entry. Only decide/ imports it.

/** The map of everything that a text has none of; shared, so it must never be written to. */
export const nothing: ReadonlyMap<never, never> = new Map<never, never>();

/** The map with the entry: itself, or a new one in the place of `nothing`. Only for maps that the caller made this way. */
export function put<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  const own = map === nothing ? new Map<K, V>() : (map as Map<K, V>);
  return own.set(key, value);
}
