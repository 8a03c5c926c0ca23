/** eth: logs, filters, subscriptions. */
import { invalidArgument, rpcError } from '../../errors.js';
import { parseCriteria, parseRange } from '../../log-criteria.js';
import { type CallContext, type MethodTable, method, type NotificationSink, type Params } from '../../method.js';
import { booleanParam, objectParam } from '../../params.js';
import type { RpcServices } from '../../services.js';
import type { SubscriptionKind } from '../../subscriptions.js';

export function logMethods(services: RpcServices): MethodTable {
  const { filters, subscriptions } = services;
  return {
    eth_getLogs: method(1, 1, (params) => {
      const filter = objectParam(params, 0);
      return filters.query(parseCriteria(filter, 0), parseRange(filter, 0));
    }),
    eth_newFilter: method(1, 1, (params) => {
      const filter = objectParam(params, 0);
      return quoted(filters.newLogFilter(parseCriteria(filter, 0), parseRange(filter, 0)));
    }),
    eth_newBlockFilter: method(0, 0, () => quoted(filters.newBlockFilter())),
    eth_newPendingTransactionFilter: method(0, 0, () => quoted(filters.newPendingFilter())),
    eth_getFilterChanges: method(1, 1, (params) => filters.changes(idParam(params))),
    eth_getFilterLogs: method(1, 1, (params) => filters.logs(idParam(params))),
    eth_uninstallFilter: method(1, 1, (params) => String(filters.uninstall(idParam(params)))),
    eth_subscribe: method(1, 2, (params, context) => quoted(subscriptions.subscribe(sinkOf(context), kindOf(params)))),
    eth_unsubscribe: method(1, 1, (params, context) => {
      if (!subscriptions.unsubscribe(sinkOf(context), idParam(params))) throw rpcError('RPC_FILTER_NOT_FOUND', 'subscription not found');
      return 'true';
    }),
  };
}

function quoted(id: string): string {
  return `"${id}"`;
}

function idParam(params: Params): string {
  const id = params[0];
  if (typeof id !== 'string') throw invalidArgument(0, 'id must be a string');
  return id;
}

function sinkOf(context: CallContext): NotificationSink {
  if (context.sink === null) throw rpcError('RPC_NOTIFICATIONS_UNSUPPORTED', 'notifications not supported');
  return context.sink;
}

function kindOf(params: Params): SubscriptionKind {
  const kind = params[0];
  switch (kind) {
    case 'newHeads':
      return { kind };
    case 'logs':
      return { kind, criteria: parseCriteria(params[1], 1) };
    case 'newPendingTransactions':
      return { kind, full: booleanParam(params, 1) };
    default:
      if (typeof kind !== 'string') throw invalidArgument(0, 'subscription name must be a string');
      throw rpcError('RPC_NOTIFICATIONS_UNSUPPORTED', `no "${kind.slice(0, 64)}" subscription in eth namespace`);
  }
}
