package main

import "github.com/spf13/cobra"

func runCommand(a *app) *cobra.Command { return &cobra.Command{Use: "run"} }
