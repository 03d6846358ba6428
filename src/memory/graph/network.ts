// Nodes and edges in memory; the only importer of graphology. For memory-graph.ts and the exporters.
import { MultiDirectedGraph } from 'graphology';
import type { EntityKind } from './entities.js';

/** What a node is. */
export type NodeKind = 'message' | 'entity' | 'topic';
/** What an edge says; from the later message to the earlier, from a message to what it is about. */
export type EdgeKind =
  | 'repliesTo'
  | 'mentions'
  | 'follows'
  | 'similarTo'
  | 'updates'
  | 'contradicts'
  | 'about';
/** All kinds of edges, in the order in which they are shown. */
export const edgeKinds: readonly EdgeKind[] = [
  'mentions',
  'repliesTo',
  'follows',
  'similarTo',
  'updates',
  'contradicts',
  'about',
];

/** A node, as plain data. */
export interface GraphNode {
  /** Unique in the graph: `m…` a message, `e…` an entity, `t…` a topic. */
  readonly id: string;
  readonly kind: NodeKind;
  /** The first characters of a message, the longest spelling of an entity, the commonest entities of a topic. */
  readonly label: string;
  /** Of a message: its id, role, user and time in milliseconds since 1970. */
  readonly messageId?: string;
  readonly role?: string;
  readonly user?: string;
  readonly createdAtMs?: number;
  /** Of an entity. */
  readonly entityKind?: EntityKind;
  /** Of an entity: its other spellings. */
  readonly aliases?: readonly string[];
}

/** An edge, as plain data. */
export interface GraphEdge {
  readonly id: string;
  readonly kind: EdgeKind;
  readonly source: string;
  readonly target: string;
  /** `similarTo`: the cosine. `mentions`: 1, or less for the head of a phrase. Others 1. */
  readonly weight: number;
  /** Milliseconds since 1970. */
  readonly validFromMs: number;
  /** When it ceased to hold, or null. */
  readonly validToMs: number | null;
}

/** What an edge carries. */
export type EdgeAttributes = Omit<GraphEdge, 'id' | 'source' | 'target'>;

/** The graph as plain data. */
export interface GraphData {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** A graph of typed nodes and edges; adding what is there replaces its attributes. */
export class Network {
  readonly #graph = new MultiDirectedGraph<Omit<GraphNode, 'id'>, EdgeAttributes>();

  setNode({ id, ...attributes }: GraphNode): void {
    this.#graph.mergeNode(id, attributes);
  }

  hasNode(id: string): boolean {
    return this.#graph.hasNode(id);
  }

  node(id: string): GraphNode {
    return { id, ...this.#graph.getNodeAttributes(id) };
  }

  /** Adds an edge of a kind between two nodes, at most one a kind and pair. */
  setEdge(edge: Omit<GraphEdge, 'id'>): void {
    const { source, target, ...attributes } = edge;
    this.#graph.mergeEdgeWithKey(edgeId(edge.kind, source, target), source, target, attributes);
  }

  /** Says when an edge ceases to hold; nothing when there is no such edge. */
  end(kind: EdgeKind, source: string, target: string, validToMs: number): void {
    const id = edgeId(kind, source, target);
    if (this.#graph.hasEdge(id)) this.#graph.setEdgeAttribute(id, 'validToMs', validToMs);
  }

  /** Calls back with each edge at a node and the ids of its ends. */
  eachEdgeAt(node: string, call: (edge: EdgeAttributes, source: string, target: string) => void): void {
    this.#graph.forEachEdge(node, (_, attributes, source, target) => call(attributes, source, target));
  }

  /** Of an entity node. */
  entityKind(node: string): EntityKind | undefined {
    return this.#graph.getNodeAttribute(node, 'entityKind');
  }

  /** Of a message node. */
  createdAtMs(node: string): number | undefined {
    return this.#graph.getNodeAttribute(node, 'createdAtMs');
  }

  degree(node: string): number {
    return this.#graph.degree(node);
  }

  get size(): { readonly nodes: number; readonly edges: number } {
    return { nodes: this.#graph.order, edges: this.#graph.size };
  }

  /** The edges at some nodes, and the nodes at their ends. */
  part(touched: ReadonlySet<string>): GraphData {
    const edges = new Map<string, GraphEdge>();
    const ends = new Set(touched);
    for (const node of touched) {
      this.eachEdgeAt(node, (edge, source, target) => {
        const id = edgeId(edge.kind, source, target);
        edges.set(id, { id, source, target, ...edge });
        ends.add(source).add(target);
      });
    }
    return { nodes: [...ends].map((id) => this.node(id)), edges: [...edges.values()] };
  }

  /** A copy of everything. */
  data(): GraphData {
    return {
      nodes: this.#graph.mapNodes((id, attributes) => ({ id, ...attributes })),
      edges: this.#graph.mapEdges((id, attributes, source, target) => ({
        id,
        source,
        target,
        ...attributes,
      })),
    };
  }
}

function edgeId(kind: EdgeKind, source: string, target: string): string {
  return `${kind}:${source}>${target}`;
}
