package settings

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxProxies bounds how many ways can be set.
const maxProxies = 8

// setProxies takes a list of ways. A login in one of them is taken out of it, so that
// the rest may be shown.
func setProxies(s *Settings, text string) error {
	var ways []string
	var login Secret
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		switch word {
		case "none":
			word = "direct"
		case "system", "direct":
		default:
			plain, found, err := cutLogin(word)
			if err != nil {
				return err
			}
			if found.text != "" && login.text != "" && found != login {
				return errors.New("has two logins; there is one for all proxies")
			}
			if found.text != "" {
				login = found
			}
			word = plain
		}
		if !slices.Contains(ways, word) {
			ways = append(ways, word)
		}
	}
	if len(ways) > maxProxies {
		return fmt.Errorf("has more than %d ways", maxProxies)
	}
	s.Proxies, s.ProxyLogin = ways, login
	return nil
}

// cutLogin takes the login out of a proxy's address. No error repeats the text: it may
// hold a password.
func cutLogin(text string) (plain string, login Secret, err error) {
	const form = "must be a list of system, direct and proxies as http://host:port"
	if !strings.Contains(text, "://") {
		return "", Secret{}, errors.New(form)
	}
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return "", Secret{}, errors.New(form + "; characters other than letters and digits of a login are written as %XX")
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return "", Secret{}, errors.New(form + " or https://host:port; other kinds of proxies are not known")
	case parsed.Hostname() == "":
		return "", Secret{}, errors.New("has a proxy without a host")
	case strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "":
		return "", Secret{}, errors.New("has a proxy with something behind the port; the address of a PAC file cannot be given")
	}
	if parsed.User != nil {
		password, _ := parsed.User.Password()
		login = Secret{text: parsed.User.Username() + ":" + password}
	}
	return parsed.Scheme + "://" + parsed.Host, login, nil
}

// LoginToProxy returns user:password for the proxies that the settings name: as it was
// set, from the file that was named, or from the file that install left in the state
// directory. It is empty when there is none.
func (s *Settings) LoginToProxy() (Secret, error) {
	if s.ProxyLogin.text != "" {
		return s.ProxyLogin, nil
	}
	path := s.ProxyLoginFile
	if path == "" {
		path = s.InstalledLoginFile()
	}
	login, err := readSecret(path, "login to the proxy")
	if errors.Is(err, os.ErrNotExist) && s.ProxyLoginFile == "" {
		return Secret{}, nil
	}
	if err == nil && !strings.Contains(login.text, ":") {
		return Secret{}, fmt.Errorf("%s holds no login to the proxy: it must be user:password", path)
	}
	return login, err
}

// InstalledLoginFile is where install leaves a login to the proxy for the service: the
// settings file can be read by everybody.
func (s *Settings) InstalledLoginFile() string {
	return filepath.Join(s.StateDir, "proxy-login")
}
