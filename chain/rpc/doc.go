// Package rpc is a client of JSON-RPC 2.0 over a websocket, as Substrate nodes
// serve it: concurrent calls and subscriptions over one connection at a time,
// to the first of several endpoints that answers.
package rpc
