"""The community of one running directory: who is who, who is here, what the operator said."""
