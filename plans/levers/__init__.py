"""What each lever saves: shifting, stores and each asset, alone and together."""
