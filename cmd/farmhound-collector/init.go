package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	_ "embed"

	"github.com/farmhound-security/farmhound/collector"
)

//go:embed collector.yaml.tmpl
var configTemplate string

type initCmd struct {
	Dir    string   `help:"Folder to make everything in; there must be no collector in it." default:"/etc/farmhound" type:"path"`
	Name   []string `help:"DNS name or IP address by which laptops reach this collector; may be repeated." required:""`
	Listen string   `help:"Address and port to listen on." default:":8443"`
}

// Run makes what a first start needs and prints what people must know.
func (c *initCmd) Run(s *surroundings) error {
	path := filepath.Join(c.Dir, "collector.yaml")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is a collector in %s already (collector.yaml is there); choose another folder with --dir", c.Dir)
	}
	var listen collector.Address
	if err := listen.UnmarshalText([]byte(c.Listen)); err != nil {
		return fmt.Errorf("--listen %w", err)
	}
	_, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil { //nolint:gosec // analysts must reach ca.pem in it; all else has modes of its own
		return fmt.Errorf("make the collector's folder: %w", err)
	}
	made, err := collector.Create(s.ctx, filepath.Join(c.Dir, "data"), c.Name)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "ca.pem"), made.CA, 0o644); err != nil { //nolint:gosec // agents must read it
		return fmt.Errorf("write the CA's certificate for agents: %w", err)
	}
	if err := c.writeConfig(path); err != nil {
		return err
	}
	address := net.JoinHostPort(c.Name[0], port)
	_, err = fmt.Fprintf(s.out, `The collector is ready in %[1]s.

  start it          farmhound-collector --config %[2]s serve
  collector         %[3]s
  CA for agents     %[4]s
  CA pin            %[5]s
  enrolment secret  %[6]s   (any number of laptops, 30 days)
  admin token       %[7]s   (one year)

The secret and the token are not shown again. On a laptop:

  farmhound-agent --collector %[3]s --ca-pin %[5]s --enroll-secret-file FILE install
  farmhound-agent start

To ask the collector:

  farmhound login %[3]s --ca %[4]s
`, c.Dir, path, address, filepath.Join(c.Dir, "ca.pem"), made.Pin, made.Secret, made.Token)
	return err
}

func (c *initCmd) writeConfig(path string) error {
	t, err := template.New("config").Parse(configTemplate)
	if err != nil {
		return fmt.Errorf("prepare the configuration: %w", err)
	}
	var text strings.Builder
	if err := t.Execute(&text, map[string]string{"Listen": c.Listen}); err != nil {
		return fmt.Errorf("prepare the configuration: %w", err)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
