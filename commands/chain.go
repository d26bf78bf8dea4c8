package commands

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/chain/subtensor"
)

const useDevnet = "finest devnet --no-actors runs a chain on loopback and prints its endpoint"

// nodeFlags name nodes of one network.
var nodeFlags = []string{"subtensor.chain_endpoint", "subtensor.archive_endpoint"}

func chainFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "netuid", DefaultText: "none", Usage: "`NUMBER` of the subnet", EnvVars: env("netuid")},
		stringFlag("subtensor.network", "", "`NAME` of the chain ("+strings.Join(networkNames(), ", ")+"), or its ws:// or wss:// URL", "BT_SUBTENSOR_NETWORK"),
		&cli.StringSliceFlag{
			Name: "subtensor.chain_endpoint", EnvVars: env("subtensor.chain_endpoint", "BT_SUBTENSOR_CHAIN_ENDPOINT"),
			Usage: "`URL` of a node, ws:// or wss://; several, separated by commas or given again, are tried in turn",
		},
		&cli.StringSliceFlag{
			Name: "subtensor.archive_endpoint", EnvVars: env("subtensor.archive_endpoint"),
			Usage: "`URL` of an archive node, asked for what other nodes have forgotten (default: the network's)",
		},
	}
}

func networkNames() []string { return slices.Sorted(maps.Keys(subtensor.Networks)) }

// openChain returns a client of the chain and the subnet to work on. It connects
// with the first call.
func openChain(c *invocation) (*subtensor.Client, uint16, error) {
	netuid := c.Int("netuid")
	if netuid < 1 || netuid > 1<<16-1 {
		return nil, 0, usageError("--netuid %d: a number from 1 to 65535 is needed", netuid)
	}
	endpoints, archive, err := chainEndpoints(c)
	if err != nil {
		return nil, 0, err
	}
	client, err := subtensor.New(subtensor.Options{
		Endpoints: endpoints, Archive: archive, Log: c.log.With().Str("part", "chain").Logger(),
	})
	return client, uint16(netuid), err
}

// chainEndpoints returns the nodes to ask, and those that keep the state of old
// blocks. As in Bittensor's tools an endpoint comes before a network.
func chainEndpoints(c *invocation) (endpoints, archive []string, err error) {
	network := c.String("subtensor.network")
	if archive, err = endpointList(c, "subtensor.archive_endpoint"); err != nil {
		return nil, nil, err
	}
	if endpoints, err = endpointList(c, "subtensor.chain_endpoint"); err != nil || len(endpoints) > 0 {
		return endpoints, archive, err
	}
	switch {
	case network == "":
		return nil, nil, withHint(usageError("%s: neither --subtensor.network nor --subtensor.chain_endpoint is given", commandPath(c.Context)), useDevnet)
	case strings.Contains(network, ":"):
		endpoint, err := chainEndpoint("subtensor.network", network)
		return []string{endpoint}, archive, err
	}
	if endpoint, ok := subtensor.Networks[network]; ok {
		endpoints = []string{endpoint}
	} else {
		// What is no plain word may be a URL without its scheme, key and all.
		shown := ""
		if !strings.ContainsFunc(network, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') }) {
			shown = fmt.Sprintf(" %q", network)
		}
		err := usageError("--subtensor.network%s is none of %s, and no ws:// or wss:// URL", shown, strings.Join(networkNames(), ", "))
		return nil, nil, withHint(err, useDevnet)
	}
	if network == "finney" && len(archive) == 0 {
		archive = []string{subtensor.Networks["archive"]}
	}
	return endpoints, archive, nil
}

func endpointList(c *invocation, flag string) ([]string, error) {
	var out []string
	for _, text := range c.StringSlice(flag) {
		endpoint, err := chainEndpoint(flag, strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		out = append(out, endpoint)
	}
	return slices.Compact(out), nil
}

// chainEndpoint checks the URL of a node. Providers put keys into paths and
// queries, so that errors name the host alone.
func chainEndpoint(flag, text string) (string, error) {
	if strings.HasPrefix(text, filePrefix) {
		return "", withHint(usageError("--%s: a chain is no folder any more: a ws:// or wss:// URL is needed", flag), useDevnet)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return "", withHint(usageError("--%s holds what is no ws:// or wss:// URL", flag), useDevnet)
	case u.Scheme != "ws" && u.Scheme != "wss":
		return "", withHint(usageError("--%s: %q is reached by ws:// or wss://, not %s://", flag, u.Host, u.Scheme), useDevnet)
	}
	return text, nil
}
