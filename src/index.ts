// The public face: everything an application imports from `llm-tiered-cache`. Nothing inside the package imports it.
export { type EmbeddedTexts, EmbeddingsCache, type EmbeddingsCacheOptions } from './adapters/embeddings.js';
export type { Logger } from './announce.js';
export { SemanticCache } from './cache.js';
export type {
  Answer,
  AskOptions,
  CacheStats,
  Generate,
  GenerateContext,
  GenerateStream,
  GetOptions,
  Health,
  Invalidation,
  InvalidationReport,
  Lookup,
  Match,
  ScopeOption,
  SetOptions,
  SetReport,
  StreamOptions,
  TierStats,
  TurnsOption,
} from './cache-types.js';
export {
  type BytesFormat,
  bytesToHumanReadable,
  combinedStorageEstimate,
  flatEngineBytes,
  type HnswModel,
  hnswEngineBytes,
  hnswOverheadBytes,
  type IvfPqOptions,
  ivfPqBytes,
  type PqOptions,
  pqBytes,
  pqCompressionRatio,
  printStorageBreakdown,
  rawEmbeddingsBytes,
  type StorageEstimate,
  type StorageOptions,
} from './capacity.js';
export {
  type EnginePlan,
  type Plan,
  type PlanEngine,
  type PlanOptions,
  planCapacity,
  planEngines,
  type ReferenceCell,
  referenceTable,
  type TrafficPlan,
} from './capacity-plan.js';
export { ChatMemory, type ForgetUser } from './chat-memory.js';
export { configFromEnv, configFromYaml, type LoadOptions, loadConfig } from './config/load.js';
export { Secret } from './config/secret.js';
export { type ConfigObject, type ConfigRow, configToObject, showConfig } from './config/show.js';
export { configJsonSchema, configTemplate, type JsonSchema } from './config/template.js';
export type { Config, ConfigInput, LoadedConfig, Source } from './config/types.js';
export { bytesFromText } from './core/bytes.js';
export { type Clock, systemClock } from './core/clock.js';
export type { Embedder, Embedding } from './core/embedder.js';
export type { Candidate, Entry, Key, Usage } from './core/entry.js';
export * from './core/errors.js';
export {
  contentFingerprint,
  contentFingerprints,
  documentId,
  isKey,
  maxQuestionLength,
  normalise,
  queryKey,
  seedQueryKey,
} from './core/key.js';
export type { PairModel } from './core/pair-model.js';
export { Scope, type ScopeFields } from './core/scope.js';
export type { LatencySummary } from './core/stats.js';
export type {
  DeleteOptions as TierDeleteOptions,
  SetOptions as TierSetOptions,
  Tier,
  TierSize,
} from './core/tier.js';
export { checkAccept, type Means, policyFor } from './decide/acceptance.js';
export {
  type Calibration,
  type OperatingPoint,
  operatingPoint,
  readCalibration,
  type ScoreKind,
  type ScoreTable,
  tableOf,
  writeCalibration,
} from './decide/calibration.js';
export {
  type Asked,
  type Basis,
  type Decision,
  decide,
  type Experience,
  type Refusal,
  type Verdict,
} from './decide/decide.js';
export { type Category, Policies, type ScopePolicy } from './decide/policies.js';
export {
  type Accept,
  defaultMinSimilarity,
  type PairStage,
  type Policy,
  type PolicyView,
  policy,
  type RuleName,
  ruleNames,
} from './decide/policy.js';
export { type Dependence, type Standing, standsAlone } from './decide/standalone.js';
export type { PairSignals, Verifier } from './decide/verifier.js';
export type { EmbedderIdentity } from './disk/environment.js';
export type { Lifetime } from './disk/lifetime.js';
export { type FunctionEmbedderOptions, functionEmbedder } from './embed/function.js';
export { type OnnxEmbedderOptions, onnxEmbedder } from './embed/onnx.js';
export { type JudgeOptions, judgePairModel } from './embed/pair-judge.js';
export { type OnnxPairModel, type OnnxPairModelOptions, onnxPairModel } from './embed/pair-onnx.js';
export type { FlatEngineOptions, FlatStorage } from './engines/flat.js';
export type { EvaluatedPair, Evaluation, PairEvaluation, Served, WayFigures } from './evaluate/evaluation.js';
export type { Figures } from './evaluate/figures.js';
export { evaluationHtml } from './evaluate/html.js';
export type { StreamCurve, StreamPoint } from './evaluate/stream.js';
export {
  type Calibrated,
  calibrateDecision,
  type EvaluateOptions,
  type EvaluationProgress,
  evaluateDecision,
} from './evaluation.js';
export { explainPair, type ReplayOptions as RecordReplayOptions, replayRecord } from './explain.js';
export type { FreshnessOptions } from './freshness.js';
export { chunkingConfigHash } from './ingest/chunk.js';
export type { IngestProgress, IngestReport } from './ingest/pipeline.js';
export { type DatabaseSize, type DirectoryReport, inspectDirectory } from './inspect.js';
export type { ErrorEstimate } from './learning/budget.js';
export type { LookupLine, RecordLine, VerdictLine } from './learning/record.js';
export type { Outcome, ReplayReport } from './learning/replay.js';
export type { AnswerJudge } from './learning/verification.js';
export type { DecisionStats, JudgedHit } from './lessons.js';
export { type MemoiseOptions, memoise } from './memoise.js';
export { cypherOf } from './memory/graph/cypher.js';
export { graphmlOf } from './memory/graph/graphml.js';
export { type Neo4jDriver, type Neo4jGraph, type Neo4jOptions, neo4jGraph } from './memory/graph/neo4j.js';
export type { EdgeKind, GraphData, GraphEdge, GraphNode, NodeKind } from './memory/graph/network.js';
export type { ConversationGraph } from './memory/graph.js';
export { graphHtml } from './memory/graph-html.js';
export type { GraphIndex, GraphMessage } from './memory/graph-index.js';
export type {
  ChatMessage,
  Context,
  ContextDetail,
  ContextOptions,
  CountTokens,
  HistoryOptions,
  LeftOut,
  MessageMatch,
  MessageMetadata,
  MessageSearchOptions,
  Reason,
  Role,
  StoredMessage,
  ToolCall,
} from './memory/types.js';
export { type OpenOptions, openCache, openQueryService } from './open.js';
export { type DatabaseGround, type OpenDatabaseOptions, openVectorDatabase } from './open-database.js';
export type { DecisionHooks, PolicyTable } from './open-decision.js';
export { openEmbedder } from './open-embedder.js';
export { type ExactGround, openExactTiers } from './open-exact.js';
export {
  type GraphGround,
  type OpenMemoryOptions,
  openChatMemory,
  type SessionFields,
} from './open-memory.js';
export { type PythonGauges, pythonGauges } from './python-gauges.js';
export {
  openPythonRedis,
  type PythonAnswer,
  type PythonQuestions,
  PythonRedis,
  type PythonRedisLosses,
  type PythonRedisSurvey,
  type PythonResult,
} from './python-redis.js';
export {
  type QueryAnswer,
  type QueryOptions,
  type QueryResult,
  QueryService,
  type ServiceEvents,
  type ServiceHealth,
  type ServiceIngestOptions,
} from './query-service.js';
export type { Price, PriceTable } from './savings/prices.js';
export type { Saved, SavedSum, SavingsStats, ScopeSavings } from './savings/savings.js';
export type { BadEnding } from './store-policy/ending.js';
export type { HookVerdict, StoreCandidate, StoreHook, StoreReason } from './store-policy/policy.js';
export type { TimeClass } from './store-policy/time-words.js';
export { AnswerStream } from './streams/answer-stream.js';
export type { ReplayOptions, StreamShape } from './streams/recording.js';
export type { StreamSource } from './streams/source.js';
export type {
  CacheEvents,
  DegradedEvent,
  EvictedEvent,
  InvalidatedEvent,
  PromotedEvent,
  StoredEvent,
} from './telemetry/events.js';
export type { FactMessage, LookupMessage, TelemetryMessage } from './telemetry/messages.js';
export type { TierHealth } from './tiers/guard.js';
export type { Comparison, Condition, Filter, Metadata, MetadataValue } from './vectordb/filter.js';
export { searchEach } from './vectordb/search-each.js';
export type { PopularQuestion } from './warm/popularity.js';
export type { WarmReport } from './warm/warmer.js';
export type { WarmHooks, WarmOptions } from './warming.js';
