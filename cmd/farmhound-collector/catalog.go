package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

type catalogCmd struct {
	Lint   catalogLintCmd   `cmd:"" help:"Check the built-in entries together with those of folders."`
	Match  catalogMatchCmd  `cmd:"" help:"Say which entries the facts of each line touch."`
	Import catalogImportCmd `cmd:"" help:"Map the published list of the LOLRMM project to entries."`
	Build  catalogBuildCmd  `cmd:"" help:"Compile entries to the one file that agents fetch."`
	Key    catalogKeyCmd    `cmd:"" help:"Make a key that signs catalogues. Keep it off the collector."`
	Sign   catalogSignCmd   `cmd:"" help:"Sign a compiled catalogue; writes FILE.sig and FILE.pub beside it."`
}

// sources are what a catalogue is compiled from.
type sources struct {
	Dirs  []string `arg:"" optional:"" name:"dir" help:"Folders or files with entries, YAML. One with the id of a built-in entry, or of one in an earlier folder, replaces it; an imported one only adds facts to it." type:"existingpath"`
	Alone bool     `help:"Leave the built-in entries out."`
}

func (c *sources) compile() (*farmhoundv1.Catalog, error) {
	var layers []fs.FS
	if !c.Alone {
		layers = append(layers, source.Files())
	}
	for _, dir := range c.Dirs {
		layers = append(layers, layerOf(dir))
	}
	compiled, err := source.Compile(layers...)
	if err == nil && len(compiled.GetEntries()) == 0 {
		err = errors.New("there are no entries: name a folder with *.yaml files")
	}
	return compiled, err
}

// layerOf returns a folder of entries, or one file of them.
func layerOf(path string) fs.FS {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return source.Single(path)
	}
	return os.DirFS(path)
}

type catalogLintCmd struct{ sources }

// Run prints every problem with its place.
func (c *catalogLintCmd) Run(s *surroundings) error {
	compiled, err := c.compile()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%d entries are well formed.\n", len(compiled.GetEntries()))
	return err
}

type catalogBuildCmd struct {
	sources

	Out string `short:"o" required:"" help:"File to write." type:"path" placeholder:"FILE"`
}

// Run writes the catalogue, dated now: agents take none that is older than one before.
func (c *catalogBuildCmd) Run(s *surroundings) error {
	compiled, err := c.compile()
	if err != nil {
		return err
	}
	compiled.IssuedAt = timestamppb.New(time.Now().UTC().Truncate(time.Second))
	encoded, err := catalog.Encode(compiled)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.Out, encoded, 0o644); err != nil { //nolint:gosec // nothing in it is secret
		return fmt.Errorf("write the catalogue: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%s holds %d entries; its digest is %s.\n", c.Out, len(compiled.GetEntries()), catalog.Digest(encoded))
	return err
}

// keyType is how PEM calls a key in PKCS #8.
const keyType = "PRIVATE KEY"

type catalogKeyCmd struct {
	File string `arg:"" help:"File to write; there must be none of that name." type:"path"`
}

// Run makes a key.
func (c *catalogKeyCmd) Run(s *surroundings) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	file, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	err = errors.Join(pem.Encode(file, &pem.Block{Type: keyType, Bytes: der}), file.Close())
	if err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%s decides what laptops are asked. Keep it off the collector.\n", c.File)
	return err
}

type catalogSignCmd struct {
	Key  string `required:"" help:"Private key, as catalog key makes it." type:"existingfile" placeholder:"FILE"`
	File string `arg:"" help:"Compiled catalogue." type:"existingfile"`
}

// Run signs what agents would take, and nothing else.
func (c *catalogSignCmd) Run(s *surroundings) error {
	key, err := readKey(c.Key)
	if err != nil {
		return err
	}
	encoded, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("read the catalogue: %w", err)
	}
	loaded, err := catalog.Load(encoded)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if loaded.IssuedAt().IsZero() {
		return fmt.Errorf("%s has no date, without which agents refuse it: build it with farmhound-collector catalog build", c.File)
	}
	public := key.Public().(ed25519.PublicKey) //nolint:forcetypeassert // what an Ed25519 key has
	for suffix, data := range map[string][]byte{
		collector.SignatureSuffix: catalog.Sign(key, encoded), collector.PublicKeySuffix: public,
	} {
		text := base64.StdEncoding.EncodeToString(data) + "\n"
		if err := os.WriteFile(c.File+suffix, []byte(text), 0o644); err != nil { //nolint:gosec // both are public
			return fmt.Errorf("write beside the catalogue: %w", err)
		}
	}
	_, err = fmt.Fprintf(s.out, "Signed. Name %s under catalog in the collector's configuration.\n", c.File)
	return err
}

func readKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != keyType {
		return nil, fmt.Errorf("%s holds no private key; farmhound-collector catalog key makes one", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the key %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is no Ed25519 key", path)
	}
	return key, nil
}
