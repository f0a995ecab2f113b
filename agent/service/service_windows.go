package service

import "github.com/kardianos/service"

func options() service.KeyValue {
	return service.KeyValue{"OnFailure": "restart", "OnFailureDelayDuration": "30s"}
}

func supported() error { return nil }

func permissionHint() string { return "this needs an administrator's command prompt" }
