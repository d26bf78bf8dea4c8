// Package eval says what a submission is worth and why: verdicts with their
// checks, the constants all validators share, the random choices that come
// from block hashes, and the score. Pure functions: what they need of the
// chain, the hub and the crawl is passed in.
//
// Package audit holds the checks themselves, package weights turns scores into
// what the chain takes.
package eval
