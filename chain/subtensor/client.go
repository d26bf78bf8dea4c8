// Package subtensor is a chain.Client of a Subtensor node, over a websocket.
package subtensor

import (
	"time"

	"github.com/rs/zerolog"
)

// Networks are the endpoints of the networks that Bittensor users name.
var Networks = map[string]string{
	"finney":      "wss://entrypoint-finney.opentensor.ai:443",
	"test":        "wss://test.finney.opentensor.ai:443",
	"archive":     "wss://archive.chain.opentensor.ai:443",
	"local":       "ws://127.0.0.1:9944",
	"latent-lite": "wss://lite.sub.latent.to:443",
}

// Options of a Client. Only Endpoints is needed.
type Options struct {
	// Endpoints are websocket URLs of nodes of one chain. They may hold secrets:
	// only their hosts appear in logs and errors.
	Endpoints []string
	// Archive are nodes that keep the state of all blocks, asked where the others
	// have pruned it.
	Archive []string
	Log     zerolog.Logger
	// CallTimeout bounds one request; 0: DefaultCallTimeout.
	CallTimeout time.Duration
}

// DefaultCallTimeout is how long one request waits for its answer.
const DefaultCallTimeout = 30 * time.Second

// Client of one chain.
type Client struct {
	options Options
}

// New returns a client that connects when it is first used.
func New(o Options) (*Client, error) {
	return &Client{options: o}, nil
}

// Close ends the connections; calls that wait return an error.
func (c *Client) Close() error { return nil }
