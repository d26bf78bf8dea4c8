package commands

import (
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"finest/roles/telemetry"
)

func metricsFlag() cli.Flag {
	return stringFlag("metrics-addr", "", "`HOST:PORT` on which /metrics, /healthz and /readyz answer, best on loopback (default: none)")
}

// checkMetrics refuses an address that cannot be one.
func checkMetrics(c *invocation) error {
	addr := c.String("metrics-addr")
	if addr == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return usageError("--metrics-addr %q is not HOST:PORT", addr)
	}
	return nil
}

// newRegistry returns what a role registers its metrics in.
func newRegistry(role string) *prometheus.Registry { return telemetry.NewRegistry(role, Version()) }

// serveMetrics lets the role be watched until stop is called, if that is asked
// for.
func serveMetrics(c *invocation, metrics prometheus.Gatherer, ready func() error) (stop func(), err error) {
	addr := c.String("metrics-addr")
	if addr == "" {
		return func() {}, nil
	}
	at, end, err := telemetry.Serve(c.Context.Context, addr, telemetry.Handler(metrics, ready), c.log)
	if err != nil {
		return nil, err
	}
	c.log.Info().Str("addr", at.String()).Msg("metrics are served")
	return func() {
		if err := end(); err != nil {
			c.log.Warn().Err(err).Msg("metrics")
		}
	}, nil
}
