// Package conformance holds a node to the wire facts that package subtensor relies
// on, in 14 groups of tests that speak raw JSON-RPC where the client would refuse
// by itself. They run against a development chain, or against the node that
// FINEST_CHAIN_WS names, which they change: they make subnets and register hotkeys
// as //Alice, and set storage where the node has dev_setStorage. What a node
// cannot do is skipped with a sentence that says so.
package conformance
