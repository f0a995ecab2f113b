package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/farmhound-security/farmhound/agent/atomicfile"
	"github.com/farmhound-security/farmhound/agent/service"
	"github.com/farmhound-security/farmhound/agent/settings"
)

type installCommand struct{}

// Help says what is written where.
func (installCommand) Help() string {
	return `Flags for settings (--collector, --ca-file, ...) are written to the settings file, which must not exist yet then. ` +
		`An enrolment secret is not: it goes to the state directory, readable by the service only, and is removed when it was used; so does a login to a proxy, which stays. ` +
		`The service runs this very program file: put it where it is to stay first.`
}

// Run installs the service.
func (installCommand) Run(_ context.Context, cli *commandLine, p process) error {
	s, err := cli.load(p, false)
	if err != nil {
		return err
	}
	file := cli.Config
	if file == "" {
		file = settings.DefaultFile()
	}
	if file, err = filepath.Abs(file); err != nil {
		return err
	}
	installed, err := service.New("run", "--config", file)
	if err != nil {
		return err
	}
	wrote, err := keepSettings(file, s, cli.Setting.layer())
	if err != nil {
		return err
	}
	if err := installed.Install(); err != nil {
		return err
	}
	if wrote {
		fmt.Fprintln(p.stdout, "settings written to", file)
	}
	_, err = fmt.Fprintln(p.stdout, "service installed; start it with farmhound-agent start")
	return err
}

// keepSettings leaves what was given for the service: settings in their file, secrets in
// the state directory.
func keepSettings(file string, s settings.Settings, given settings.Layer) (wrote bool, err error) {
	if proxy, ok := given["proxy"]; ok {
		proxy.Text = strings.Join(s.Proxies, ",") // without the login
		given["proxy"] = proxy
	}
	if wrote, err = writeSettings(file, given); err != nil {
		return false, err
	}
	return wrote, errors.Join(keepSecret(s, s.EnrollSecret, s.InstalledSecretFile()), keepSecret(s, s.ProxyLogin, s.InstalledLoginFile()))
}

// writeSettings writes settings that were given as flags, secrets left out, to a
// settings file. Without any, a missing file is made empty: the service names it.
func writeSettings(path string, given settings.Layer) (bool, error) {
	content := map[string]string{}
	for key, value := range given {
		switch key {
		case "enroll_secret":
			continue
		case "ca_file", "enroll_secret_file", "proxy_login_file", "state_dir":
			absolute, err := filepath.Abs(value.Text)
			if err != nil {
				return false, err
			}
			content[key] = absolute
		default:
			content[key] = value.Text
		}
	}
	if _, err := os.Stat(path); err == nil {
		if len(content) > 0 {
			return false, usageError{fmt.Errorf("%s exists already: change the settings in it, and install without flags for settings", path)}
		}
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, fmt.Errorf("make directory for settings: %w", err)
	}
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(content); err != nil {
		return false, fmt.Errorf("write settings: %w", err)
	}
	return true, atomicfile.Write(path, data.Bytes(), 0o644)
}

// keepSecret leaves a secret that was given as such for the service, at a path in the
// state directory.
func keepSecret(s settings.Settings, secret settings.Secret, path string) error {
	if secret.Reveal() == "" {
		return nil
	}
	if err := os.MkdirAll(s.StateDir, 0o700); err != nil {
		return fmt.Errorf("make state directory: %w", err)
	}
	return atomicfile.Write(path, []byte(secret.Reveal()+"\n"), 0o600)
}

type uninstallCommand struct {
	KeepState bool `help:"Keep the state directory (key, certificate, undelivered reports) and the settings file."`
}

// Run removes the service and what it left.
func (c uninstallCommand) Run(_ context.Context, cli *commandLine, p process) error {
	installed, err := service.New("run")
	if err != nil {
		return err
	}
	s, err := cli.load(p, false)
	if err != nil {
		return err
	}
	if err := installed.Uninstall(); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, "service removed")
	if c.KeepState {
		return nil
	}
	file := cli.Config
	if file == "" {
		file = settings.DefaultFile()
	}
	return removeState(s.StateDir, file, p)
}

// stateNames are the entries that an agent makes in its state directory. Others
// are not its own, and a directory that holds them stays.
var stateNames = []string{
	"identity", "spool.db", "spool.db.damaged", "spool.db.compact", "status.json", "policy.pb", "enroll-secret", "proxy-login",
	"catalog",
}

func removeState(dir, file string, p process) error {
	var problems []error
	for _, name := range stateNames {
		problems = append(problems, removeEntry(filepath.Join(dir, name)))
	}
	if err := os.Remove(dir); err == nil {
		fmt.Fprintln(p.stdout, "removed", dir)
	} else if !errors.Is(err, os.ErrNotExist) {
		problems = append(problems, err)
	}
	if err := os.Remove(file); err == nil {
		fmt.Fprintln(p.stdout, "removed", file)
		// Only an empty directory goes.
		_ = os.Remove(filepath.Dir(file))
	} else if !errors.Is(err, os.ErrNotExist) {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// removeEntry removes a file, or a folder with its files. The library's own way of
// removing everything needs a kind of deletion that not every Windows file system has.
func removeEntry(path string) error {
	var problems []error
	remove := func(name string) {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	// The entries of a file are none, and whatever else keeps a folder full is said
	// when it is removed.
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		remove(filepath.Join(path, e.Name()))
	}
	remove(path)
	return errors.Join(problems...)
}

type startCommand struct{}

// Run starts the installed service.
func (startCommand) Run(_ context.Context, _ *commandLine, p process) error {
	installed, err := service.New("run")
	if err != nil {
		return err
	}
	if err := installed.Start(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, "service started")
	return err
}

type stopCommand struct{}

// Run stops the running service.
func (stopCommand) Run(_ context.Context, _ *commandLine, p process) error {
	installed, err := service.New("run")
	if err != nil {
		return err
	}
	if err := installed.Stop(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, "service stopped")
	return err
}
