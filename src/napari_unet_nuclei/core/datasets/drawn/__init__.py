"""Drawn images of many looks with exact labels, to train on what no open set shows."""
