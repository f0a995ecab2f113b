package persona

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// Kinds of laptops. The last two count neither as found nor as wronged.
const (
	Farm   = "farm"
	Honest = "honest"
	// Neither is honest or not only by what nobody can observe: an over-employed
	// person's own console looks like an operator's.
	Neither = "neither"
	// Unseeable is farmed in a way that no endpoint can see.
	Unseeable = "unseeable"
)

// The castings. The detector's weights were tried on the everyday one, and later on the
// former one, which was reserved until then; the reserved one is kept for measuring.
const (
	Everyday = "everyday"
	Former   = "former"
	Reserved = "reserved"
)

// Castings are all there are.
func Castings() []string { return []string{Everyday, Former, Reserved} }

// Options say which world to draw.
type Options struct {
	Seed uint64
	// Days is how long the world lives, from 1 to 90.
	Days int
	// End is its last moment; it is cut to the hour.
	End time.Time
	// Personas keeps only laptops of these; empty keeps all. The kept ones live as
	// they do in the whole world.
	Personas []string
	// Count draws at least that many laptops of each of Personas, whole households and
	// farms, and nobody else; zero draws their share of Size.
	Count int
	// Size is about how many laptops the whole world has; zero means 60.
	Size int
	// Casting says who lives in it; empty means Everyday.
	Casting string
	// Unpermitted takes the permissions from all agents that need any: input and
	// media are not seen.
	Unpermitted bool
	// Country is where honest people live and work, as declared, instead of in the
	// homeland; empty leaves them there. There are as many of them, and their days are
	// drawn by the clock of that place.
	Country string
	// Noise is what goes wrong between laptops and the collector.
	Noise Noise
	// Window is how long agents count before they begin anew; zero means an hour.
	Window time.Duration
}

// World is one drawn fleet. It does not change after it was made.
type World struct {
	opts       Options
	casting    *casting
	start, end time.Time
	laptops    []*Laptop
	atlas      *atlas
	stock      *stock
	// made is how common each of the stock's makes is in the company.
	made []float64
	// land is where the company is, homeland where its people live, those places that many
	// live in more than once, and offshore where contractors work and travellers go.
	land               string
	homeland, offshore []locality
	// cloud is where the collector stands.
	cloud   locality
	company *company

	ring          fleetkey.Ring
	catalogDigest string
	clocks        clocks
	serials       map[string]bool
	people        map[string]bool
	hostnames     string
}

// Laptop is one issued laptop.
type Laptop struct {
	// Serial is its system serial, the roster's key.
	Serial string
	// Persona and Kind are the label: what the laptop is, Farm or Honest.
	Persona, Kind string
	// Key is the device's key and DeviceID the id that follows from it.
	Key      *ecdsa.PrivateKey
	DeviceID string
	// System is what the laptop is.
	System *farmhoundv1.System

	person person
	senses senses
	sight  sight
	camera bool
	w      *World
	life   *life
	d      draw
	off    bool  // it is switched off until it is next used
	begins int64 // nothing before that moment is what its kind says
}

// Personas returns the names of the everyday personas, farms last.
func Personas() []string { return PersonasOf(Everyday) }

// PersonasOf returns the names of a casting's personas, farms last; none of one that
// there is not.
func PersonasOf(casting string) []string {
	return namesOf(casting, func(persona) bool { return true })
}

// HonestOf returns the names of a casting's honest personas.
func HonestOf(casting string) []string {
	return namesOf(casting, func(p persona) bool { return p.kind == Honest })
}

func namesOf(casting string, keep func(persona) bool) []string {
	var names []string
	if c := castings[casting]; c != nil {
		for _, p := range c.personas {
			if keep(p) {
				names = append(names, p.name)
			}
		}
	}
	return names
}

// NewWorld draws a world.
func NewWorld(opts Options) (*World, error) {
	if opts.Size == 0 {
		opts.Size = 60
	}
	switch {
	case opts.Days < 1 || opts.Days > 90:
		return nil, fmt.Errorf("a world lives from 1 to 90 days, not %d", opts.Days)
	case opts.Size < 1 || opts.Size > 5000:
		return nil, fmt.Errorf("a world has from 1 to 5000 laptops, not %d", opts.Size)
	case opts.End.IsZero():
		return nil, errors.New("a world needs a last moment")
	case opts.Count < 0 || opts.Count > 5000:
		return nil, fmt.Errorf("of a persona there are from 1 to 5000 laptops, not %d", opts.Count)
	case opts.Count > 0 && len(opts.Personas) == 0:
		return nil, errors.New("a number of laptops needs the persona that they are of")
	}
	opts.Window = cmp.Or(opts.Window, time.Hour)
	if opts.Window < time.Minute || opts.Window > time.Hour {
		return nil, fmt.Errorf("windows last from a minute to an hour, not %v", opts.Window)
	}
	if err := opts.Noise.check(); err != nil {
		return nil, err
	}
	opts.Casting = cmp.Or(opts.Casting, Everyday)
	known := PersonasOf(opts.Casting)
	if len(known) == 0 {
		return nil, fmt.Errorf("no casting is called %q; there are %s", opts.Casting, strings.Join(Castings(), ", "))
	}
	if opts.Country != "" && !slices.Contains(CountriesOf(opts.Casting), opts.Country) {
		return nil, fmt.Errorf("nobody is known to live in %q", opts.Country)
	}
	for _, name := range opts.Personas {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("no persona is called %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	w := &World{opts: opts, clocks: clocks{}, serials: map[string]bool{}, people: map[string]bool{}}
	w.casting = castings[opts.Casting]
	w.stock, w.atlas = w.casting.stock, w.casting.atlas()
	w.made = w.stock.made
	w.end = opts.End.UTC().Truncate(time.Hour)
	w.start = w.end.Add(-time.Duration(opts.Days) * 24 * time.Hour)
	w.catalogDigest = catalog.BuiltIn().Digest()
	secret := digest(opts.Seed, "fleet key")
	ring, err := fleetkey.NewRing([]*farmhoundv1.FleetKey{{Id: 1, Key: secret[:]}})
	if err != nil {
		return nil, fmt.Errorf("make fleet key: %w", err)
	}
	w.ring = ring
	w.casting.settle(w, stream(opts.Seed, "land"))
	w.company = w.newCompany(stream(opts.Seed, "company"))
	for _, p := range w.casting.personas {
		w.cast(p)
	}
	return w, w.finish()
}

// cast adds the laptops of one persona.
func (w *World) cast(p persona) {
	if p.draw == nil {
		return
	}
	d := stream(w.opts.Seed, "persona", p.name)
	d.outer = w.casting.outer
	share := p.share * float64(w.opts.Size) / 60
	if w.casting.uneven {
		share *= stream(w.opts.Seed, "how many", p.name).between(0.5, 1.6)
	}
	if w.opts.Count > 0 {
		if share = float64(w.opts.Count); !slices.Contains(w.opts.Personas, p.name) {
			return
		}
	}
	for left := int(share + d.Float64()); left > 0; {
		cast := p.draw(w, d, left)
		for _, l := range cast {
			l.Persona, l.Kind = p.name, p.kind
		}
		w.laptops = append(w.laptops, cast...)
		left -= len(cast)
	}
}

// finish drops whom nobody asked for, gives keys and puts lives in order. Laptops
// come in the order of their serials, which says nothing.
func (w *World) finish() error {
	w.laptops = slices.DeleteFunc(w.laptops, func(l *Laptop) bool {
		return len(w.opts.Personas) > 0 && !slices.Contains(w.opts.Personas, l.Persona)
	})
	slices.SortFunc(w.laptops, func(a, b *Laptop) int { return strings.Compare(a.Serial, b.Serial) })
	for _, l := range w.laptops {
		if w.opts.Unpermitted {
			l.senses.hands, l.senses.media, l.senses.why = false, false, "input monitoring is not permitted"
		}
		var err error
		if l.Key, l.DeviceID, err = newKey(w.opts.Seed, l.Serial); err != nil {
			return err
		}
		w.company.connect(l)
		l.life.settle()
		if w.casting.reboots {
			l.reboots()
		}
		l.sight = w.sightOf(l)
		w.overlook(l)
		for i := range l.life.control {
			l.life.control[i].id = w.sessionID(l, i)
		}
	}
	return nil
}

// seesConnections is whether the collector knows round trips and ways out, and agents see
// what their systems show rather than everything.
func (w *World) seesConnections() bool { return w.casting.connections }

// Laptops returns every laptop, in the order in which steps deliver.
func (w *World) Laptops() []*Laptop { return slices.Clone(w.laptops) }

// Start and End are the world's first and last moment.
func (w *World) Start() time.Time { return w.start }

// End is the world's last moment.
func (w *World) End() time.Time { return w.end }

// GeoMMDB returns address data for the world's addresses, in MaxMind DB format.
func (w *World) GeoMMDB() ([]byte, error) { return w.atlas.geoMMDB(w.start) }

// RosterCSV returns who should have which laptop, as the collector imports it.
func (w *World) RosterCSV() []byte {
	var out bytes.Buffer
	c := csv.NewWriter(&out)
	// Writing to a buffer does not fail.
	_ = c.Write([]string{
		"serial", "person", "country", "region", "time_zone", "ship_to", "work_days", "work_start", "work_end",
		"role", "approved_tools", "approved_travel", "household", "exempt_until", "exempt_reason",
	})
	for _, l := range w.laptops {
		p := l.person
		_ = c.Write([]string{
			l.Serial, p.id, p.country, p.region, p.zone, p.shipTo, p.days, p.start, p.end,
			p.role, strings.Join(p.tools, ";"), strings.Join(p.travel, ";"), p.household, "", "",
		})
	}
	c.Flush()
	return out.Bytes()
}

// person is a row of the roster.
type person struct {
	id, country, region, zone, shipTo string
	days, start, end                  string
	role                              string
	tools, travel                     []string
	household                         string
}

func (w *World) hashed(kind, value string) ([]byte, uint32) {
	sum, id, _ := w.ring.Hash(fleetkey.Kind(kind), []byte(value))
	return sum, id
}
