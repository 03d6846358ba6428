// The sections of the configuration that say how old answers may be and which are kept; types.ts joins them to the others.
/** Old answers in the place of none, and the origin's time. All off unless set. YAML section `freshness`. */
export interface FreshnessConfig {
  /** Seconds after its time to live for which an answer is served at once while a new one is made. Default 0. */
  readonly staleWhileRevalidateSeconds: number;
  /** Seconds after its time to live for which an answer is served when a new one cannot be had in time. Default 0. */
  readonly graceSeconds: number;
  /** Share of its time to live after which a hit makes the answer anew in the background, 0 to 0.99; 0: never. Default 0. */
  readonly earlyRefresh: number;
  /** Milliseconds after which an old answer that may be served is. Undefined (the default): never. */
  readonly softTimeoutMs: number | undefined;
  /** Milliseconds after which nobody waits for the origin any more. Undefined (the default): never. */
  readonly hardTimeoutMs: number | undefined;
  /** What took too long is finished and stored. Default true. */
  readonly completeInBackground: boolean;
  /** Seconds for which a failure of the origin is remembered, 0 to 86,400. Default 0. */
  readonly negativeTtlSeconds: number;
}

/** What hits are reckoned to save. YAML section `savings`. */
export interface SavingsConfig {
  /** Prices of a million tokens, each `model=input/output`, at most 1,000; a model is found by the longest name that it begins with. Undefined (the default): money is not reckoned. */
  readonly prices: readonly string[] | undefined;
  /** Currency of the prices, as it is shown. Default `USD`. */
  readonly currency: string;
  /** Tokens of a text whose usage nobody states are counted, which takes about 1 ms for 30 KB of each new answer. Default false. */
  readonly countTokens: boolean;
}

/** What leaves the cache as messages. YAML section `telemetry`. */
export interface TelemetryConfig {
  /** Spans and metrics by OpenTelemetry, where the application has its package and a provider. Default true. */
  readonly openTelemetry: boolean;
  /** Messages and spans hold prompts and stored questions. Default false. */
  readonly includeText: boolean;
}

/** Which generated answers are kept. YAML section `storing`. */
export interface StoringConfig {
  /** Questions that depend on the time or on who asks are treated by the three times below. Default true. */
  readonly timeRules: boolean;
  /** Seconds that answers about this moment (now, prices, scores, weather) are kept; 0: not at all. Default 0. */
  readonly momentTtlSeconds: number;
  /** Seconds that answers about these days (today, the latest) are kept; 0: not at all. Default 0. */
  readonly dayTtlSeconds: number;
  /** Seconds that answers about the asker (my, our) are kept; 0: not at all. Default 0. */
  readonly personalTtlSeconds: number;
  /** Temperature up to which all answers are kept, 0 to 100. Default 1. */
  readonly temperatureLimit: number;
  /** Temperature from which none is; between the two the chance falls evenly. At least `temperatureLimit`. Default 2. */
  readonly temperatureNever: number;
  /** Bytes of a stream that are kept for those who join it, and for storing; a longer one is handed on and not stored. Default 8388608. */
  readonly maxStreamBytes: number;
}
