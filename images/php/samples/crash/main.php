<?php
crash();
