// The subpath ./testing: contract suites, fault-injecting wrappers and stand-ins for people who write tiers and databases of their own.
export { type MockEmbedder, type MockEmbedderOptions, mockEmbedder } from '../embed/mock.js';
export {
  type FailingTierOptions,
  type FaultOptions,
  failingTier,
  type SlowTierOptions,
  slowTier,
  type TierOperation,
} from './faults.js';
export { type ManualClock, type ManualClockOptions, manualClock } from './manual-clock.js';
export { cosine, randomUnitVector, seededRandom, vectorAt } from './random.js';
export type { Assertions, TestRunner } from './runner.js';
export { type MakeTier, type TierGround, type TierSubject, tierContract } from './tier-contract.js';
export {
  type DatabaseContractOptions,
  type DatabaseSubject,
  type MakeDatabase,
  vectorDatabaseContract,
} from './vector-database-contract.js';
