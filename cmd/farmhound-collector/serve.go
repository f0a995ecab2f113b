package main

import (
	"log/slog"

	"github.com/farmhound-security/farmhound/collector"
)

type serveCmd struct{}

// Run serves until interrupted.
func (serveCmd) Run(s *surroundings) error {
	config, err := collector.ReadConfig(s.config)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(s.errOut, &slog.HandlerOptions{Level: config.LogLevel}))
	c, err := collector.Open(s.ctx, collector.Options{Config: config, Version: version, Log: log})
	if err != nil {
		return err
	}
	return c.Run(s.ctx)
}
