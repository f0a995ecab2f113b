// Command farmhound-agent is the laptop's side of Farmhound: a service that
// observes how the laptop is operated and reports it, and the commands to set it
// up and to see what it would send.
//
// Exit status: 0 success, 1 failure, 2 wrong usage or wrong settings.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/settings"
	"github.com/farmhound-security/farmhound/cmd/farmhound-agent/flags"
)

const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second interrupt ends a program that does not end by itself, for instance
	// because nobody reads what it writes.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], process{os.Environ(), os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// process is what a command sees of the process it runs in.
type process struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// usageError is an error of whoever called or configured the program.
type usageError struct{ error }

// Unwrap returns the error itself.
func (u usageError) Unwrap() error { return u.error }

func run(ctx context.Context, args []string, p process) int {
	if ran, err := help(args); ran {
		return exitCode(err, p.stderr)
	}
	cli := new(commandLine)
	parser := flags.New("farmhound-agent", "Reports how this company laptop is operated, never what is done on it.", cli, settingWords())
	if len(args) == 0 {
		args = []string{"--help"}
	}
	chosen, name, err := parser.Parse(args)
	if errors.Is(err, flags.ErrHelp) {
		return exitCode(parser.Help(p.stdout, name), p.stderr)
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "farmhound-agent: %v; see farmhound-agent --help\n", err)
		return exitUsage
	}
	c, ok := chosen.(runnable)
	if !ok {
		fmt.Fprintf(p.stderr, "farmhound-agent: %s cannot be run\n", name)
		return exitFailure
	}
	return exitCode(c.Run(ctx, cli, p), p.stderr)
}

// runnable is a command.
type runnable interface {
	Run(ctx context.Context, cli *commandLine, p process) error
}

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "farmhound-agent:", err)
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailure
}

// commandLine is every command and flag.
type commandLine struct {
	Config  string       `placeholder:"FILE" help:"Settings file; ${default_file} when not given."`
	Setting settingFlags `embed:""`

	Install   installCommand   `cmd:"" help:"Install the service; flags for settings are written to the settings file."`
	Uninstall uninstallCommand `cmd:"" help:"Remove the service, its state directory and its settings file."`
	Start     startCommand     `cmd:"" help:"Start the installed service."`
	Stop      stopCommand      `cmd:"" help:"Stop the running service."`
	Run       runCommand       `cmd:"" help:"Observe and report until interrupted; this is what the service runs."`
	Status    statusCommand    `cmd:"" help:"Show how the agent on this laptop is doing."`
	Doctor    doctorCommand    `cmd:"" help:"Check everything between this laptop and its collector; fails if something does not work."`
	Scan      scanCommand      `cmd:"" help:"Show exactly what would be sent, without sending it."`
	Enroll    enrollCommand    `cmd:"" help:"Enrol this laptop with an enrolment secret."`
	Version   versionCommand   `cmd:"" help:"Show the version."`
}

// settingFlags are the settings as flags; each is nil when not given.
type settingFlags struct {
	Collector        *string `placeholder:"HOST:PORT" help:"${help_collector}"`
	CaFile           *string `placeholder:"FILE" help:"${help_ca_file}"`
	CaPin            *string `placeholder:"SHA256" help:"${help_ca_pin}"`
	EnrollSecret     *string `placeholder:"SECRET" help:"${help_enroll_secret}"`
	EnrollSecretFile *string `placeholder:"FILE" help:"${help_enroll_secret_file}"`
	Proxy            *string `placeholder:"WAYS" help:"${help_proxy}"`
	ProxyLoginFile   *string `placeholder:"FILE" help:"${help_proxy_login_file}"`
	StateDir         *string `placeholder:"DIR" help:"${help_state_dir}"`
	ScanInterval     *string `placeholder:"DURATION" help:"${help_scan_interval}"`
	WindowInterval   *string `placeholder:"DURATION" help:"${help_window_interval}"`
	LogLevel         *string `placeholder:"LEVEL" help:"${help_log_level}"`
}

// layer returns the flags that were given as settings.
func (f *settingFlags) layer() settings.Layer {
	layer := settings.Layer{}
	for key, value := range map[string]*string{
		"collector": f.Collector, "ca_file": f.CaFile, "ca_pin": f.CaPin,
		"enroll_secret": f.EnrollSecret, "enroll_secret_file": f.EnrollSecretFile,
		"proxy": f.Proxy, "proxy_login_file": f.ProxyLoginFile, "state_dir": f.StateDir,
		"scan_interval": f.ScanInterval, "window_interval": f.WindowInterval, "log_level": f.LogLevel,
	} {
		if value != nil {
			layer[key] = settings.Value{Text: *value, Where: "--" + strings.ReplaceAll(key, "_", "-")}
		}
	}
	return layer
}

// settingWords gives the flags the words of the settings themselves.
func settingWords() map[string]string {
	vars := map[string]string{"default_file": settings.DefaultFile()}
	for _, setting := range settings.All() {
		help := strings.ToUpper(setting.Help[:1]) + setting.Help[1:]
		if setting.Default != "" {
			help += "; " + setting.Default + " when not set"
		}
		vars["help_"+setting.Key] = help + " ($" + setting.Variable() + ")."
	}
	return vars
}

// load returns the settings; wrong ones are wrong usage.
func (c *commandLine) load(p process, unprivileged bool) (settings.Settings, error) {
	loaded, _, err := c.trace(p, unprivileged)
	return loaded, err
}

// agentConfig is the agent that the settings describe, logging to stderr.
func agentConfig(s settings.Settings, p process) agent.Config {
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: s.LogLevel}))
	return agent.Config{Settings: s, Version: version(), Log: log}
}

// version is the module's version, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return "devel-" + setting.Value[:12]
		}
	}
	return "devel"
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(_ context.Context, _ *commandLine, p process) error {
	_, err := fmt.Fprintln(p.stdout, "farmhound-agent", version())
	return err
}
