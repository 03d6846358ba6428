// One sentence or two on each configuration key, as docs/configuration.md has it, for commented files and editors. config/ imports it.

/** What each key does, by its YAML path. A test holds it to the table of keys and to the documentation. */
export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  'cache.directory': 'Directory of the embedded store, relative to the working directory.',
  'cache.ttl_seconds': 'How long an entry lives, 1 to 315,360,000. null or never: for ever.',
  'cache.min_similarity':
    'Least similarity of a semantic hit, -1 to 1, inclusive. Not set: what the decision was calibrated to.',
  'cache.rules': 'Which rules may refuse a similar question: all, none, or a list of names.',
  'cache.candidates': 'How many of the nearest entries the decision looks at, 1 to 1,000.',
  'cache.max_entries': 'Entries that tier A holds, 1 to 100,000,000. The least recently used goes first.',
  'cache.max_bytes': 'Bytes that tier A holds. Also text: 256 MiB, 1.5 GB.',
  'cache.max_disk_bytes': 'Bytes held on disk by tier B; above it, what expires soonest goes.',
  'cache.engine':
    'Index of tier A: flat, ivfpq, hnsw, or auto, which is exact for small scopes and ivfpq for large ones.',
  'cache.eviction':
    'What leaves tier A first: w-tinylfu weighs how often, how lately, how dear and how large; lru drops the least recently used.',
  'cache.shared':
    'Calls without a tenant share their answers with all who use the same stores. Otherwise those stay with the cache directory.',
  'cache.strict': 'A failing tier throws instead of counting as a miss. For tests.',
  'freshness.stale_while_revalidate_seconds':
    'How long after its time to live an answer is served at once while a new one is made.',
  'freshness.grace_seconds':
    'How long after its time to live an answer is served when a new one cannot be had in time.',
  'freshness.early_refresh':
    'Share of its time to live after which a hit makes the answer anew, 0 to 0.99. 0: never.',
  'freshness.soft_timeout_ms': 'After this an old answer that may be served is. Not set: never.',
  'freshness.hard_timeout_ms': 'After this nobody waits for the origin any more. Not set: never.',
  'freshness.complete_in_background': 'What took too long is finished and stored.',
  'freshness.negative_ttl_seconds': 'How long a failure of the origin is remembered, 0 to 86,400.',
  'storing.time_rules': 'Questions that depend on the time or the asker are kept by the three times below.',
  'storing.moment_ttl_seconds':
    'How long answers about now, prices, scores and weather are kept. 0: not at all.',
  'storing.day_ttl_seconds': 'How long answers about today and the latest are kept. 0: not at all.',
  'storing.personal_ttl_seconds': 'How long answers about what is mine or ours are kept. 0: not at all.',
  'storing.temperature_limit': 'Temperature up to which all answers are kept, 0 to 100.',
  'storing.temperature_never': 'Temperature from which none is kept; in between the chance falls evenly.',
  'storing.max_stream_bytes':
    'Bytes of a stream kept for those who join it and for storing; a longer one is not stored.',
  'savings.prices': 'Prices of a million tokens, each model=input/output. Not set: money is not reckoned.',
  'savings.currency': 'Currency of the prices, as it is shown.',
  'savings.count_tokens':
    'Count the tokens of texts whose usage nobody states; about 1 ms for 30 KB of each new answer.',
  'telemetry.open_telemetry':
    'Spans and metrics by OpenTelemetry, where the application has its package and a provider.',
  'telemetry.include_text': 'Messages and spans hold prompts and stored questions.',
  'embedding.model': 'A model that comes with the package, or a folder with an ONNX model.',
  'embedding.dim': "Length of the vectors. Only checked: another length than the model's is an error.",
  'embedding.batch_size':
    'Texts that ingestion hands over at once, 1 to 10,000. Each is still one run of the model.',
  'embedding.device': 'Only cpu; anything else is an error.',
  'embedding.workers': 'Worker threads, 1 to 256. Not set: chosen by the number of cores.',
  'embedding.max_queue':
    'Texts that may wait for a worker, 1 to 1,000,000. More are refused with ERR_LLM_CACHE_BUSY.',
  'embedding.timeout_ms': 'Time for one embedding, waiting included, 1 to 3,600,000.',
  'embedding.use_mock': 'Vectors without meaning, for tests that need no model.',
  'flat.storage':
    'What engine flat keeps of a vector beside its codes: float32 is exact; float16 takes three fifths of its memory, int8 a fifth.',
  'hnsw.m': 'Links of a node, 2 to 512.',
  'hnsw.ef_construction': 'Candidates while building, 1 to 100,000.',
  'hnsw.ef_search': 'Candidates while searching, 1 to 100,000.',
  'hnsw.space': 'cosine, l2 or ip; on unit vectors all rank alike.',
  'ivfpq.train_from':
    'Rows of a scope from which on it is kept in inverted lists, 32 to 2,147,483,648. Not set: 50,000; with auto, where lists pay.',
  'ivfpq.nlist': 'Lists, 1 to 1,048,576. Not set: twice the root of the rows, at most one for 400 rows.',
  'ivfpq.nprobe': 'Lists that a search looks at. Not set: a third of them, at least 64.',
  'ivfpq.m': 'Parts of a code; divides the dimension. Not set: a quarter of the dimension.',
  'ivfpq.nbits': "Bits of a part's code: 4 or 8.",
  'ivfpq.rotations': 'Rounds of optimised rotation (OPQ), 0 to 100.',
  'ivfpq.rescore': 'What is kept beside the codes: int8, float16 or none.',
  'ivfpq.rescore_factor': 'Rows rescored for each neighbour asked for, 1 to 10,000; 100 in all at least.',
  'redis.enabled': 'Use Redis as tier B. Becomes true when redis.host or redis.url is set.',
  'redis.host': 'Host name or address. Setting it switches Redis on.',
  'redis.port': '1 to 65,535.',
  'redis.db': 'Number of the database.',
  'redis.username': 'User of an access list.',
  'redis.password': 'Secret.',
  'redis.ttl_seconds': 'How long an entry stays in Redis at most; never longer than its own time to live.',
  'redis.max_connections': 'Accepted so that old files load: one pipelined connection carries all commands.',
  'redis.command_timeout_ms': 'Time for one command, 1 to 60,000. After it the tier counts as a miss.',
  'redis.connect_timeout_ms': 'Time to connect, 1 to 60,000.',
  'redis.socket_timeout_ms': 'Silence, with commands waiting, after which a connection is replaced.',
  'redis.cluster':
    'Nodes of a Redis Cluster to begin with, each host:port; a list, in the environment with commas. Replaces redis.host.',
  'redis.sentinels': 'Sentinels, each host:port; needs redis.sentinel_name.',
  'redis.sentinel_name': 'Name of the master that the sentinels watch.',
  'redis.sentinel_password': 'Secret.',
  'redis.sentinel_username': "User of the sentinels' access list.",
  'redis.sentinel_tls': 'Encrypt towards the sentinels too, with the certificates of redis.tls.',
  'redis.max_stale_ms':
    'How long this process goes on serving by itself once it cannot hear what others remove, 20 to 86,400,000. Not set: until it hears again.',
  'redis.lease': 'One process at a time generates the answer to a question.',
  'redis.lease_ms': 'After this the lease of a process that has died is free, 100 to 600,000.',
  'redis.sliding': "A read lengthens an entry's life in Redis, up to the entry's own.",
  'redis.ttl_jitter': 'Part of its time by which an entry may leave Redis early, 0 to 0.5.',
  'redis.max_entry_bytes': 'The largest entry that is written or read.',
  'redis.seal': 'hmac-sha256 signs, aes-256-gcm encrypts entries, against whoever else can write to Redis.',
  'redis.seal_keys': 'Secret. Each id:64 hexadecimal digits, with commas; the first writes, all read.',
  'redis.key_prefix': 'In front of every key: 1 to 64 letters, digits and ._:-.',
  'redis.tls.enabled':
    'Encrypt. redis.tls: true says the same; so do a rediss: URL and any other key of this section.',
  'redis.tls.ca_file': "PEM file of the authorities to trust. Not set: the system's.",
  'redis.tls.cert_file': "PEM file of the client's certificate; needs key_file.",
  'redis.tls.key_file': "PEM file of the client's private key; needs cert_file.",
  'redis.tls.server_name': "Name in the server's certificate. Not set: the host.",
  'redis.tls.reject_unauthorized': 'Refuse a certificate that is not trusted.',
  'vector_db.backend': 'embedded, faiss or qdrant: see docs/stores.md.',
  'vector_db.engine': 'Index of the embedded database: flat, ivfpq, hnsw, or auto.',
  'faiss.index_type': 'Flat, IVF, IVFPQ or HNSW.',
  'faiss.index_path':
    'Accepted so that old files load: the index is made from the vectors in the cache directory.',
  'faiss.nlist': 'Inverted lists.',
  'faiss.nprobe': 'Lists that a search reads.',
  'faiss.pq_enabled': 'Compress by product quantisation: makes IVF an IVFPQ.',
  'faiss.pq_m': 'Parts a vector is cut into; divides the dimension. Not set: its greatest divisor up to 64.',
  'faiss.pq_nbits': 'Bits a part, 1 to 12.',
  'faiss.metric': 'L2 or IP.',
  'qdrant.host': 'Host name or address.',
  'qdrant.port': 'Port of REST.',
  'qdrant.grpc_port': 'Accepted so that old files load: the client speaks REST.',
  'qdrant.collection': 'Collection.',
  'qdrant.api_key': 'Secret.',
  'qdrant.use_grpc': 'Accepted so that old files load: the client speaks REST.',
  'qdrant.timeout_ms': 'Time for one request.',
  'qdrant.lookup_timeout_ms':
    'Time a question waits for tier C on Qdrant; after it the tier counts as a miss.',
  'qdrant.shard_number': "Of a collection that is created. Not set: the server's default.",
  'qdrant.replication_factor':
    'Of each shard of a collection that is created. Above 1, reads ask for what most copies have.',
  'qdrant.write_consistency_factor': 'How many must acknowledge a write. Of a collection that is created.',
  'qdrant.indexed_fields':
    'Metadata fields of the corpus that filters use, each name or name:type of keyword (default), integer, float, bool: a list, in the environment with commas. Each gets a payload index.',
  'qdrant.ef_search': "Breadth of a search in Qdrant's graph, 1 to 100,000. Not set: the server's.",
  'qdrant.on_disk_payload': 'Of a collection that is created: payloads stay on disk.',
  'qdrant.quantization':
    'Of a collection that is created: int8 or binary copies of the vectors to search in.',
  'qdrant.tls.enabled': 'As redis.tls.',
  'qdrant.tls.ca_file': 'As redis.tls.',
  'qdrant.tls.cert_file': 'As redis.tls.',
  'qdrant.tls.key_file': 'As redis.tls.',
  'qdrant.tls.server_name': 'As redis.tls.',
  'qdrant.tls.reject_unauthorized': 'As redis.tls.',
  'chunking.size': 'Characters a chunk has at most.',
  'chunking.overlap':
    'Characters that neighbours share; less than size. With a size up to 50 the default is a tenth of it.',
  'chunking.min_size':
    'A last piece shorter than this joins the chunk before it. Not above size; with a smaller size the default is size.',
  'chunking.separator': 'Where to cut if possible.',
  'chunking.unit': "What the three lengths count: characters, or tokens of the embedder's own tokenizer.",
  'chunking.by_section': 'Cut at every heading and page too.',
  'warming.enabled': 'Keep popular answers warm.',
  'warming.top_n': 'How many questions.',
  'warming.interval_seconds': 'Time between rounds.',
  'warming.min_count': 'Times a question must have been asked.',
  'warming.decay': 'Factor on all counts after a round, 0 to 1.',
  'warming.extended_ttl_seconds': 'How long a warm entry lives.',
  'decide.max_error_rate':
    'Share of wrong among semantic hits that is kept, 0.0001 to 0.5. Not set: cache.min_similarity decides.',
  'decide.policies': 'JSON file with policies by category and scope.',
  'decide.calibration': 'File that llm-cache calibrate wrote. Not set: what comes with the verifier.',
  'decide.pair_model': 'Ask the pair model of the package where its verifier is in doubt.',
  'decide.pair_timeout_ms':
    'Time a question waits for the pair model, 1 to 60,000; then it is decided without.',
  'decide.shadow': 'Decide and tell, but serve no semantic hit.',
  'decide.learn': 'Learn from feedback and comparisons. Without it nothing is recorded either.',
  'decide.verify_share':
    'Share of semantic hits that are asked again in the background and compared, 0 to 1. Above 0 it needs an answerJudge.',
  'decide.verify_timeout_ms': 'Time for one comparison, 1 to 3,600,000.',
  'decide.record':
    'File that lookups are recorded in, as JSON lines, for llm-cache replay. It holds what was asked.',
  'decide.record_max_bytes': 'Bytes that file may have; then recording ends. Also text: 64 MiB.',
  'rate_limit.requests_per_minute': 'Requests a minute.',
  'rate_limit.burst': 'Requests at once above that rate.',
  'auth.type': 'Scheme, such as jwt.',
  'auth.issuer': 'Who issues tokens.',
  log_level: 'silent, error, warn, info or debug; other common names are mapped to these.',
  debug:
    "Show the stack of an error. A value of the variable that is not true or false is taken to be another program's.",
};
