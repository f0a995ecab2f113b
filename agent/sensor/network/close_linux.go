package network

import "errors"

// Close ends what goes on between observations.
func (s *Sensor) Close() error {
	err := s.system.ear.close()
	if n := s.system.news; n != nil {
		s.system.news = nil
		err = errors.Join(err, n.close())
	}
	return err
}
